/*
 * course.h
 *		What the rules alone say of an endpoint and a model.
 */
#ifndef REWARDS_COURSE_H
#define REWARDS_COURSE_H

#include "price.h"

/* what decided the tier */
typedef enum TierSource
{
	TIER_NONE,					/* nothing to place: no service, no model */
	TIER_OF_SERVICE,			/* the service has points of its own */
	TIER_OF_MODEL,				/* the model's explicit entry */
	TIER_OF_VRAM,				/* its declared VRAM */
	TIER_OF_PATTERN,			/* its name */
	TIER_DEFAULT				/* the setting default_tier */
} TierSource;

/* pointers lead into the rules */
typedef struct Course
{
	const char *service;
	const Rule *service_rule;	/* whose points and rates count, or NULL */
	const char *tier;			/* unless something is known of the model; or NULL */
	TierSource	tier_source;
	int64		tier_rule;		/* that placed it, or 0 */
	const Rule *tier_points;	/* the tier's points, or NULL */
	Charge		prices;
	const Rule *user_share;
	const Rule *referral_rates[2];	/* by kind of earner */
} Course;

extern void course_place_model(const RuleSet *rules, Id model, const AsOf *as_of, Course *course);
extern const Course *course_find(const RuleSet *rules, const UsageEvent *event, const AsOf *as_of);

#endif							/* REWARDS_COURSE_H */
