-- History by trigger, each row with its hash; `seal` later hashes new rows into a chain of blocks.
create schema deferred;

create table deferred.vehicles (
    id bigint generated always as identity primary key,
    version integer not null default 0,
    body jsonb not null
);

create unique index on deferred.vehicles ((body ->> 'vin'));

-- (transaction, number) orders rows so that `seal` can never pass over one that commits late.
create table deferred.history (
    transaction xid8 not null default pg_current_xact_id(),
    number bigint generated always as identity,
    vehicle bigint not null,
    version integer not null,
    operation text not null,
    recorded_at timestamptz not null,
    body jsonb not null,
    hash bytea not null,
    primary key (transaction, number)
);

create table deferred.blocks (
    sequence_number bigint generated always as identity primary key,
    last_transaction xid8 not null,
    last_number bigint not null,
    row_count bigint not null,
    previous_hash bytea not null,
    rows_hash bytea not null,
    hash bytea not null
);

insert into deferred.blocks (last_transaction, last_number, row_count, previous_hash, rows_hash, hash)
values ('0', 0, 0, '', '', sha256('genesis'));

create function deferred.record() returns trigger language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
begin
    insert into deferred.history (vehicle, version, operation, recorded_at, body, hash)
    values (
        new.id, new.version, tg_op, moment, new.body,
        sha256(convert_to(concat_ws('|', new.id, new.version, tg_op, moment, new.body), 'UTF8'))
    );
    return new;
end
$$;

create trigger record after insert or update on deferred.vehicles
for each row execute function deferred.record();

-- Hashes at most `size` rows of transactions that have all ended into one block; gives their count.
create function deferred.seal(size bigint) returns bigint language plpgsql as $$
declare
    tip deferred.blocks;
    found_count bigint;
    rows_hash bytea;
    last_row deferred.history;
begin
    select * into tip from deferred.blocks order by sequence_number desc limit 1;
    with new_rows as (
        select * from deferred.history
        where (transaction, number) > (tip.last_transaction, tip.last_number)
        and transaction < pg_snapshot_xmin(pg_current_snapshot())
        order by transaction, number limit size
    )
    select
        count(*),
        sha256(string_agg(hash, ''::bytea order by transaction, number))
    into found_count, rows_hash from new_rows;
    if found_count = 0 then
        return 0;
    end if;
    select * into last_row from deferred.history
    where (transaction, number) > (tip.last_transaction, tip.last_number)
    order by transaction, number offset found_count - 1 limit 1;
    insert into deferred.blocks
        (last_transaction, last_number, row_count, previous_hash, rows_hash, hash)
    values (
        last_row.transaction, last_row.number, found_count, tip.hash, rows_hash,
        sha256(tip.hash || rows_hash)
    );
    return found_count;
end
$$;
