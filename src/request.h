/*
 * request.h
 *		The idempotency key of usage: request_id.
 */
#ifndef REWARDS_REQUEST_H
#define REWARDS_REQUEST_H

#include "event.h"
#include "utils/relcache.h"

extern void request_init(void);
extern void refuse_repeated_request(Relation leaf, const UsageEvent *event);
extern void requests_entered(void);

#endif							/* REWARDS_REQUEST_H */
