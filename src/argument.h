/*
 * argument.h
 *		What the arguments of SQL functions must be, and what they mean.
 */
#ifndef REWARDS_ARGUMENT_H
#define REWARDS_ARGUMENT_H

#include "event.h"
#include "fmgr.h"
#include "utils/date.h"

extern void argument_require(FunctionCallInfo fcinfo, int number, const char *name);
extern Id	argument_id(FunctionCallInfo fcinfo, int number, const char *name);
extern AccountKind argument_kind(FunctionCallInfo fcinfo, int number);
extern int	argument_count(FunctionCallInfo fcinfo, int number, int most, const char *hint);
extern bool argument_month(FunctionCallInfo fcinfo, int number, bool is_text, DateADT *month);

#endif							/* REWARDS_ARGUMENT_H */
