{# Money is a decimal, rounded half up once at its currency's minor unit; `minor` is that unit's number of digits.
   Every branch is cast alike: the common type of decimals of several scales would drop digits. #}

{% macro type_money() %}decimal(18, 4){% endmacro %}
{% macro type_total() %}decimal(28, 4){% endmacro %}

{% macro round_money(amount, minor) -%}
case {{ minor }}
    when 0 then cast(round({{ amount }}, 0) as {{ arsync.type_money() }})
    when 2 then cast(round({{ amount }}, 2) as {{ arsync.type_money() }})
    when 3 then cast(round({{ amount }}, 3) as {{ arsync.type_money() }})
    when 4 then cast(round({{ amount }}, 4) as {{ arsync.type_money() }})
end
{%- endmacro %}

{# exactly the currency's digits: '12.50', '1200' (JPY), '1.250' (BHD) #}
{% macro money_text(amount, minor) -%}
case {{ minor }}
    when 0 then cast(cast({{ amount }} as decimal(38, 0)) as {{ dbt.type_string() }})
    when 2 then cast(cast({{ amount }} as decimal(38, 2)) as {{ dbt.type_string() }})
    when 3 then cast(cast({{ amount }} as decimal(38, 3)) as {{ dbt.type_string() }})
    when 4 then cast(cast({{ amount }} as decimal(38, 4)) as {{ dbt.type_string() }})
end
{%- endmacro %}

{# Quotient of two integers rounded half away from zero, exactly: decimal division would go through a float. #}
{% macro divide_half_up(numerator, denominator) -%}
(sign({{ numerator }}) * {{ arsync.integer_quotient('(2 * abs(' ~ numerator ~ ') + ' ~ denominator ~ ')', '(2 * ' ~ denominator ~ ')') }})
{%- endmacro %}

{% macro integer_quotient(numerator, denominator) %}{{ return(adapter.dispatch('integer_quotient', 'arsync')(numerator, denominator)) }}{% endmacro %}
{% macro default__integer_quotient(numerator, denominator) %}div({{ numerator }}, {{ denominator }}){% endmacro %}
{% macro duckdb__integer_quotient(numerator, denominator) %}({{ numerator }} // {{ denominator }}){% endmacro %}

{# an integer wide enough for products of money and rates #}
{% macro type_wide_integer() %}{{ return(adapter.dispatch('type_wide_integer', 'arsync')()) }}{% endmacro %}
{% macro default__type_wide_integer() %}numeric(38, 0){% endmacro %}
{% macro duckdb__type_wide_integer() %}hugeint{% endmacro %}

{# amount * from_rate / to_rate, half up at `minor` digits; rates are decimals with nine digits #}
{% macro convert_money(amount, from_rate, to_rate, minor) -%}
{%- set wide = arsync.type_wide_integer() -%}
{%- set product = arsync.to_units(amount, 4) ~ ' * ' ~ arsync.to_units(from_rate, 9) -%}
{%- set divisor = arsync.to_units(to_rate, 9) -%}
case {{ minor }}
    {%- for digits, step, unit in [(0, 10000, '1'), (2, 100, '0.01'), (3, 10, '0.001'), (4, 1, '0.0001')] %}
    when {{ digits }} then cast(
        cast({{ arsync.divide_half_up('(' ~ product ~ ')', '(' ~ divisor ~ ' * ' ~ step ~ ')') }} as decimal(28, 0)) * {{ unit }}
        as {{ arsync.type_total() }}
    )
    {%- endfor %}
end
{%- endmacro %}

{# an integer in the currency's smallest unit, as processors give amounts, to a decimal #}
{% macro from_minor(amount, minor) -%}
case ({{ minor }})
    when 0 then cast({{ amount }} * 1.0 as {{ arsync.type_total() }})
    when 2 then cast({{ amount }} * 0.01 as {{ arsync.type_total() }})
    when 3 then cast({{ amount }} * 0.001 as {{ arsync.type_total() }})
    when 4 then cast({{ amount }} * 0.0001 as {{ arsync.type_total() }})
end
{%- endmacro %}

{# Digits after the point in Stripe's integers: ISO 4217's, but for three. Krona and shilling of Iceland and Uganda are
   kept at two for old clients; the ariary, which has fifths, counts whole. #}
{% macro stripe_digits(currency, minor) -%}
case when {{ currency }} in ('ISK', 'UGX') then 2 when {{ currency }} = 'MGA' then 0 else {{ minor }} end
{%- endmacro %}

{# a decimal as an exact integer number of its smallest units, wide enough to multiply #}
{% macro to_units(amount, digits) -%}
cast(cast({{ amount }} as decimal(28, {{ digits }})) * {{ 10 ** digits }} as {{ arsync.type_wide_integer() }})
{%- endmacro %}
