insert into vehicles (body)
select jsonb_build_object(
    'vin', '0-0-' || number || '-1N4AL11D75C109151', 'type', 'Sedan', 'year', 2011, 'make', 'Audi',
    'model', 'A5', 'color', 'Silver', 'owner', 'GddsXfIYfDlKCEprOLOwYt',
    'note', 'abcdefghijklmnopqrstuvwxyz0123456789'
)
from generate_series(0, %s - 1) as number;
