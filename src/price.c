/*
 * price.c
 *		What usage costs its user: quantity times the price in force for the event.
 *
 * Chat, and what no service claims, goes by the tier's prices of input and output;
 * every other service has a price of its own.  The sum is exact until it is rounded,
 * once.  On testnet all is free.  A missing price is zero and is counted, except that
 * of a service that gives no points: such a one is free until it gets a price.
 */
#include "postgres.h"

#include "price.h"

static bool
is_mainnet(const RuleSet *rules, const AsOf *as_of)
{
	const Rule *mainnet = rule_in_force(rules, RULE_MAINNET, "", as_of);

	return mainnet && mainnet->allowed;
}

/* adds the price of so many tokens, or of the request */
static Product
plus_price(Product cost, const Rule *price, int64 tokens)
{
	if (price == NULL)
		return cost;
	return product_plus(cost, product_shift(product_times_count(product_of(price->rate),
																price->per_request ? 1 : tokens),
											price->per_places));
}

static const Rule *
price_of_tier(const RuleSet *rules, const char *tier, const char *side, const AsOf *as_of)
{
	char		key[MAX_ID_BYTES + 8];

	snprintf(key, sizeof(key), "%s_%s", tier, side);
	return rule_in_force(rules, RULE_PRICE, key, as_of);
}

static bool
is_free_service(const RuleSet *rules, const char *service, const AsOf *as_of)
{
	const Rule *rule = rule_in_force(rules, RULE_SERVICE, service, as_of);

	return rule == NULL || !rule_gives_points(rule);
}

/*
 * The prices for a service and tier (NULL: neither service nor model, which costs
 * nothing); nothing is charged yet.
 */
Charge
price_find(const RuleSet *rules, const char *service, const char *tier, const AsOf *as_of)
{
	Charge		charge = {0};

	if (tier == NULL || !is_mainnet(rules, as_of))
		return charge;
	charge.by_side = strcmp(service, SERVICE_CHAT) == 0 || strcmp(service, SERVICE_OTHER) == 0;
	if (charge.by_side)
	{
		charge.prices[0] = price_of_tier(rules, tier, "input", as_of);
		charge.prices[1] = price_of_tier(rules, tier, "output", as_of);
		charge.unpriced = charge.prices[0] == NULL || charge.prices[1] == NULL;
	}
	else
	{
		charge.prices[0] = rule_in_force(rules, RULE_PRICE, service, as_of);
		charge.unpriced = charge.prices[0] == NULL && !is_free_service(rules, service, as_of);
	}
	return charge;
}

/* what a successful event costs by its prices.  22003 when it is out of range */
void
price_charge(Charge *charge, int32 input_tokens, int32 output_tokens)
{
	Product		cost = product_of(0);

	if (charge->by_side)
	{
		cost = plus_price(cost, charge->prices[0], input_tokens);
		cost = plus_price(cost, charge->prices[1], output_tokens);
	}
	else
		cost = plus_price(cost, charge->prices[0], (int64) input_tokens + output_tokens);
	charge->cost = product_round(cost);
}
