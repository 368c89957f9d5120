-- History by trigger, each row hashed onto the row before it: every transaction waits for the chain's head.
create schema inline;

create table inline.vehicles (
    id bigint generated always as identity primary key,
    version integer not null default 0,
    body jsonb not null
);

create unique index on inline.vehicles ((body ->> 'vin'));

create table inline.history (
    number bigint primary key,
    vehicle bigint not null,
    version integer not null,
    operation text not null,
    recorded_at timestamptz not null,
    body jsonb not null,
    hash bytea not null
);

-- One row; room in its page, so that an update of it need not touch an index.
create table inline.head (
    singleton boolean primary key default true check (singleton),
    number bigint not null,
    hash bytea not null
) with (fillfactor = 10);

insert into inline.head (number, hash) values (0, sha256('genesis'));

create function inline.record() returns trigger language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    line bytea := convert_to(concat_ws('|', new.id, new.version, tg_op, moment, new.body), 'UTF8');
    head inline.head;
begin
    update inline.head
    set number = inline.head.number + 1, hash = sha256(inline.head.hash || line)
    returning * into head;
    insert into inline.history values
        (head.number, new.id, new.version, tg_op, moment, new.body, head.hash);
    return new;
end
$$;

create trigger record after insert or update on inline.vehicles
for each row execute function inline.record();
