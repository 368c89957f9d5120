-- Rows of history, those whose hash is wrong, and blocks whose hash is wrong or not of their rows.
with chained as (
    select
        *,
        lag(hash) over (order by sequence_number) as hash_before,
        lag(last_transaction) over (order by sequence_number) as from_transaction,
        lag(last_number) over (order by sequence_number) as from_number
    from deferred.blocks
),
checked_rows as (
    select
        count(*) as total,
        count(*) filter (
            where hash is distinct from sha256(convert_to(
                concat_ws('|', vehicle, version, operation, recorded_at, body), 'UTF8'
            ))
        ) as bad
    from deferred.history
),
checked_blocks as (
    select count(*) as bad
    from chained as c
    cross join lateral (
        select count(*) as row_count, sha256(string_agg(h.hash, ''::bytea order by transaction, number)) as rows_hash
        from deferred.history as h
        where (h.transaction, h.number) > (c.from_transaction, c.from_number)
        and (h.transaction, h.number) <= (c.last_transaction, c.last_number)
    ) as found
    where c.hash_before is not null and (
        c.previous_hash is distinct from c.hash_before
        or c.row_count is distinct from found.row_count
        or c.rows_hash is distinct from found.rows_hash
        or c.hash is distinct from sha256(c.previous_hash || found.rows_hash)
    )
)
select checked_rows.total, checked_rows.bad, checked_blocks.bad from checked_rows, checked_blocks;
