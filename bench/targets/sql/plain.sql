-- One table, one unique index: what an application has that needs no history.
create schema plain;

create table plain.vehicles (
    id bigint generated always as identity primary key,
    body jsonb not null
);

create unique index on plain.vehicles ((body ->> 'vin'));
