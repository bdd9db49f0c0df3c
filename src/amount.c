/*
 * amount.c
 *		Exact decimals with nine places: products, rounding, conversion.
 *
 * Invariant: a product is exact until product_round(), which rounds half away
 * from zero at the ninth place, once.
 */
#include "postgres.h"

#include "amount.h"
#include "common/int.h"
#include "compat.h"
#include "fmgr.h"
#include "utils/builtins.h"

/* in the head of a stored numeric */
#define NUMERIC_KIND		0xc000
#define NUMERIC_NEGATIVE	0x4000
#define NUMERIC_SHORT		0x8000
#define NUMERIC_SPECIAL		0xc000

const int64 powers_of_ten[] = {
	INT64CONST(1), INT64CONST(10), INT64CONST(100), INT64CONST(1000),
	INT64CONST(10000), INT64CONST(100000), INT64CONST(1000000),
	INT64CONST(10000000), INT64CONST(100000000), INT64CONST(1000000000)
};

static void
refuse_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("amount out of range"),
			 errdetail("One amount lies between -9223372036.854775807 and 9223372036.854775807."),
			 errhint("Lower the rate or rule that gives it, or split the event.")));
}

/*
 * The shortest form of an amount: mantissa / 10^scale with scale 0 to 9 and
 * no trailing zero in a mantissa that has decimals.
 */
void
amount_strip(Amount amount, int64 *mantissa, int *scale)
{
	int			places = AMOUNT_PLACES;

	if (amount % AMOUNT_ONE == 0)
	{
		amount /= AMOUNT_ONE;
		places = 0;
	}
	/* most amounts have few decimals: take zeros away in large steps first */
	while (places > 4 && amount % 10000 == 0)
	{
		amount /= 10000;
		places -= 4;
	}
	while (places > 0 && amount % 10 == 0)
	{
		amount /= 10;
		places--;
	}
	*mantissa = amount;
	*scale = places;
}

Product
product_of(Amount amount)
{
	Product		product;
	int64		mantissa;

	amount_strip(amount, &mantissa, &product.scale);
	product.value = mantissa;
	product.wide = NULL;
	return product;
}

/* value / 10^scale as numeric, for the rare product beyond 128 bits */
Numeric
product_to_numeric(Product product)
{
	int128		billion = AMOUNT_ONE;
	Numeric		result;
	int64		part;

	if (product.wide)
		return product.wide;

	/* three pieces of at most nine digits, and what is left above them */
	result = int64_to_numeric(0);
	for (int shift = 0; product.value != 0; shift += AMOUNT_PLACES)
	{
		Numeric		piece;

		part = (int64) (product.value % billion);
		product.value /= billion;
		piece = int64_to_numeric(part);
		for (int i = 0; i < shift; i += AMOUNT_PLACES)
			piece = numeric_mul_safe(piece, int64_to_numeric(AMOUNT_ONE), NULL);
		result = numeric_add_safe(result, piece, NULL);
	}
	while (product.scale > 0)
	{
		int			step = Min(product.scale, AMOUNT_PLACES);

		result = numeric_mul_safe(result, int64_div_fast_to_numeric(1, step), NULL);
		product.scale -= step;
	}
	return result;
}

static Product
wide_product(Numeric value)
{
	Product		product = {0, 0, value};

	return product;
}

/* by fits into 128 bits */
static inline Product
multiply(Product product, Product by)
{
	int128		value;

	if (!product.wide && !__builtin_mul_overflow(product.value, by.value, &value))
	{
		product.value = value;
		product.scale += by.scale;
		return product;
	}
	return wide_product(numeric_mul_safe(product_to_numeric(product),
										 product_to_numeric(by), NULL));
}

Product
product_times(Product product, Amount factor)
{
	return multiply(product, product_of(factor));
}

/* times a whole number, such as tokens */
Product
product_times_count(Product product, int64 count)
{
	return multiply(product, (Product) {.value = count});
}

Product
product_plus(Product a, Product b)
{
	int128		value;

	if (!a.wide && !b.wide)
	{
		Product    *lower = a.scale < b.scale ? &a : &b;
		int			scale = Max(a.scale, b.scale);
		bool		fits = true;

		while (fits && lower->scale < scale)
		{
			fits = !__builtin_mul_overflow(lower->value, (int128) 10, &value);
			if (fits)
			{
				lower->value = value;
				lower->scale++;
			}
		}
		if (fits && !__builtin_add_overflow(a.value, b.value, &value))
		{
			a.value = value;
			return a;
		}
	}
	return wide_product(numeric_add_safe(product_to_numeric(a),
										 product_to_numeric(b), NULL));
}

/* divided by ten so many times, exactly */
Product
product_shift(Product product, int places)
{
	if (product.wide)
		return wide_product(numeric_mul_safe(product.wide,
											 int64_div_fast_to_numeric(1, places), NULL));
	product.scale += places;
	return product;
}

/* the one rounding: half away from zero at the ninth place */
Amount
product_round(Product product)
{
	int128		value = product.value;

	if (product.wide)
	{
		Datum		rounded = DirectFunctionCall2(numeric_round,
												  NumericGetDatum(product.wide),
												  Int32GetDatum(AMOUNT_PLACES));

		return amount_from_numeric(DatumGetNumeric(rounded), "amount");
	}

	if (product.scale > AMOUNT_PLACES)
	{
		int128		unit = 1;
		int128		rest;

		/* a value of at most 39 digits rounds to nothing long before this */
		if (product.scale - AMOUNT_PLACES > 37)
			return product_round(wide_product(product_to_numeric(product)));
		for (int i = product.scale; i > AMOUNT_PLACES; i--)
			unit *= 10;
		rest = value % unit;
		value /= unit;
		if (rest >= unit - rest && rest > 0)
			value++;
		else if (-rest >= unit + rest && rest < 0)
			value--;
	}
	else
	{
		/* nine factors of ten cannot overflow a product that is in range */
		if (value > PG_INT64_MAX || value < PG_INT64_MIN)
			refuse_out_of_range();
		value *= powers_of_ten[AMOUNT_PLACES - product.scale];
	}

	if (value > PG_INT64_MAX || value < -(int128) PG_INT64_MAX)
		refuse_out_of_range();
	return (Amount) value;
}

/* one factor, one rounding: a rate of an amount */
Amount
amount_times(Amount amount, Amount factor)
{
	int64		product;
	int64		rest;

	/* nearly always 64 bits are enough */
	if (__builtin_mul_overflow(amount, factor, &product))
		return product_round(product_times(product_of(amount), factor));
	rest = product % AMOUNT_ONE;
	return product / AMOUNT_ONE
		+ (rest >= AMOUNT_ONE / 2) - (rest <= -AMOUNT_ONE / 2);
}

/*
 * A numeric of at most nine places.  what names the value in the refusal.
 */
Amount
amount_from_numeric(Numeric value, const char *what)
{
	Numeric		scaled;
	Datum		whole;

	if (numeric_is_nan(value) || numeric_is_inf(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number", what)));

	scaled = numeric_mul_safe(value, int64_to_numeric(AMOUNT_ONE), NULL);
	whole = DirectFunctionCall2(numeric_trunc, NumericGetDatum(scaled), Int32GetDatum(0));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, whole, NumericGetDatum(scaled))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has more than nine decimal places", what),
				 errhint("Round it to nine places.")));
	if (DatumGetBool(DirectFunctionCall2(numeric_gt,
										 DirectFunctionCall1(numeric_abs, whole),
										 NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		refuse_out_of_range();
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, whole));
}

Numeric
amount_to_numeric(Amount amount)
{
	int64		mantissa;
	int			scale;

	amount_strip(amount, &mantissa, &scale);
	return scale == 0 ? int64_to_numeric(mantissa)
		: int64_div_fast_to_numeric(mantissa, scale);
}

Numeric
amount_sum_to_numeric(AmountSum sum)
{
	int128		whole;

	if (sum >= -(int128) PG_INT64_MAX && sum <= PG_INT64_MAX)
		return amount_to_numeric((Amount) sum);

	whole = sum / AMOUNT_ONE;
	if (whole > PG_INT64_MAX || whole < PG_INT64_MIN)
		refuse_out_of_range();
	return numeric_add_safe(int64_to_numeric((int64) whole),
							amount_to_numeric((Amount) (sum % AMOUNT_ONE)), NULL);
}

/*
 * The digits of a numeric as it is stored, a form that PostgreSQL has kept since
 * numerics have it: a head with sign, scale and weight, then digits to the base of
 * 10,000.  False for NaN and the infinities.
 */
bool
numeric_digits(Datum value, NumericDigits *result)
{
	const char *stored = VARDATA_ANY(DatumGetPointer(value));
	int			bytes = (int) VARSIZE_ANY_EXHDR(DatumGetPointer(value));
	uint16		head;
	int16		weight;

	memcpy(&head, stored, sizeof(head));
	if ((head & NUMERIC_KIND) == NUMERIC_SPECIAL)
		return false;
	if (head & NUMERIC_SHORT)
	{
		result->negative = (head & 0x2000) != 0;
		result->scale = (head >> 7) & 0x3f;
		result->weight = (head & 0x40) ? (head & 0x3f) - 0x40 : head & 0x3f;
	}
	else
	{
		memcpy(&weight, stored + sizeof(head), sizeof(weight));
		result->negative = (head & NUMERIC_NEGATIVE) != 0;
		result->scale = head & 0x3fff;
		result->weight = weight;
	}
	result->digits = stored + (head & NUMERIC_SHORT ? sizeof(head) : sizeof(head) + sizeof(weight));
	result->count = (bytes - (int) (result->digits - stored)) / (int) sizeof(int16);
	return true;
}

/* the digits in billionths; those below are left out */
static AmountSum
sum_of_digits(const NumericDigits *digits)
{
	AmountSum	sum = 0;
	int			place = digits->weight;

	/* places 0, -1 and -2 are whole, place -3 has the last of nine decimals and three more */
	for (int i = 0; i < digits->count && place >= -3; i++, place--)
	{
		int16		digit;

		memcpy(&digit, digits->digits + i * sizeof(digit), sizeof(digit));
		sum = place == -3 ? sum * 10 + digit / 1000 : sum * 10000 + digit;
	}
	/* zeros at the end are not stored */
	for (; place >= -2; place--)
		sum *= 10000;
	if (place == -3)
		sum *= 10;
	return digits->negative ? -sum : sum;
}

/* what nothing that is kept comes to */
#define NO_SUM ((AmountSum) PG_INT64_MAX * AMOUNT_ONE)

/* the sum of a numeric, which has at most nine places; leaves no memory behind */
AmountSum
amount_sum_of_datum(Datum value)
{
	struct varlena *numeric = PG_DETOAST_DATUM_PACKED(value);
	NumericDigits digits;
	AmountSum	sum = NO_SUM;

	/* 28 digits are left for the whole */
	if (numeric_digits(PointerGetDatum(numeric), &digits) && digits.weight < 7)
		sum = sum_of_digits(&digits);
	if (PointerGetDatum(numeric) != value)
		pfree(numeric);
	return sum;
}

/* an amount that a computed column holds */
Amount
amount_of_datum(Datum value)
{
	return (Amount) amount_sum_of_datum(value);
}
