/*
 * amount.h
 *		Exact decimals with nine places.
 *
 * An Amount is a count of billionths in 64 bits: one share, rate or rule value
 * lies between -9223372036.854775807 and 9223372036.854775807.  Sums use 128
 * bits and cannot overflow.  Anything beyond is refused with 22003; nothing is
 * ever a float.
 */
#ifndef REWARDS_AMOUNT_H
#define REWARDS_AMOUNT_H

#include "utils/numeric.h"

typedef int64 Amount;
typedef int128 AmountSum;

#define AMOUNT_PLACES	9
#define AMOUNT_ONE		INT64CONST(1000000000)

/* the largest sum that amount_sum_to_numeric() takes: 64 bits before the point */
#define AMOUNT_SUM_MAX	((AmountSum) PG_INT64_MAX * AMOUNT_ONE + (AMOUNT_ONE - 1))

/*
 * A product in the making: value / 10^scale, kept exact until it is rounded
 * once.  Products too long for 128 bits go on as numeric.
 */
typedef struct Product
{
	int128		value;
	int			scale;
	Numeric		wide;			/* not NULL: the value lies here instead */
} Product;

extern const int64 powers_of_ten[]; /* up to AMOUNT_PLACES */

/* a numeric taken apart where it lies: its digits may not be aligned */
typedef struct NumericDigits
{
	const char *digits;			/* int16 each, to the base of 10,000 */
	int			count;
	int			weight;			/* of the first digit, as a power of the base */
	int			scale;			/* decimal places that it shows */
	bool		negative;
} NumericDigits;

extern Product product_of(Amount amount);
extern Product product_times(Product product, Amount factor);
extern Product product_times_count(Product product, int64 count);
extern Product product_plus(Product a, Product b);
extern Product product_shift(Product product, int places);
extern Amount product_round(Product product);
extern Numeric product_to_numeric(Product product);

extern Amount amount_times(Amount amount, Amount factor);
extern void amount_strip(Amount amount, int64 *mantissa, int *scale);
extern Amount amount_from_numeric(Numeric value, const char *what);
extern Numeric amount_to_numeric(Amount amount);
extern Numeric amount_sum_to_numeric(AmountSum sum);
extern bool numeric_digits(Datum value, NumericDigits *result);
extern AmountSum amount_sum_of_datum(Datum value);
extern Amount amount_of_datum(Datum value);

#endif							/* REWARDS_AMOUNT_H */
