/*
 * price.h
 *		What usage costs its user.
 */
#ifndef REWARDS_PRICE_H
#define REWARDS_PRICE_H

#include "rules.h"

#define SERVICE_CHAT	"chat"
#define SERVICE_OTHER	"other"

/* the cost of one event, and the prices that it came from */
typedef struct Charge
{
	Amount		cost;
	const Rule *prices[2];		/* of input and output, or of the service; or NULL */
	bool		by_side;		/* of input and output, each */
	bool		unpriced;		/* on mainnet, and a price was missing */
} Charge;

extern Charge price_find(const RuleSet *rules, const char *service, const char *tier,
						 const AsOf *as_of);
extern void price_charge(Charge *charge, int32 input_tokens, int32 output_tokens);

#endif							/* REWARDS_PRICE_H */
