/*
 * totals.h
 *		Adds up rows of the number line: who got what, when, as what.
 *
 * What was taken back is kept under the negative number of the entry that it had
 * been: so a column's sum is what it is now, and what was ever given can be told.
 */
#ifndef REWARDS_TOTALS_H
#define REWARDS_TOTALS_H

#include "board.h"
#include "line.h"
#include "utils/date.h"
#include "utils/hsearch.h"

/* a name's place among the names, as a negative account key */
#define NAME_KEY(place)		(-(int64) (place) - 1)
#define NAME_PLACE(key)		((int) (-(key) - 1))

/* the number of an account by its key, with those of the names */
static inline int64
number_of_key(int64 key, const int64 *numbers)
{
	return key < 0 ? numbers[NAME_PLACE(key)] : key;
}

#define KIND_UNKNOWN (-1)

/* columns of rewards.day_total and rewards.month_total; the first five are the key */
enum
{
	TOTAL_ACCOUNT,
	TOTAL_PERIOD,
	TOTAL_UNIT,
	TOTAL_ENTRY,
	TOTAL_LEVEL,
	TOTAL_AMOUNT,
	TOTAL_EVENTS,
	TOTAL_TOKENS,
	TOTAL_COLUMNS
};

typedef struct TotalKey
{
	int64		account;		/* account number, or key of a name */
	DateADT		period;			/* day, or first day of the month */
	int16		unit;
	int16		entry;
	int32		level;
	int32		padding;		/* zero */
} TotalKey;

typedef struct Total
{
	TotalKey	key;
	int			kind;			/* of the account, KIND_UNKNOWN if no row told */
	AmountSum	amount;
	int64		events;
	int64		tokens;
} Total;

typedef struct ModelKey
{
	int64		owner;
	DateADT		day;
	int32		padding;		/* zero: keys are compared as bytes */
	char		model[MAX_ID_BYTES + 1];
} ModelKey;

typedef struct ModelTotal
{
	ModelKey	key;
	AmountSum	amount;
	int64		events;
	int64		tokens;
	TimestampTz first_at;
	TimestampTz last_at;
} ModelTotal;

/* when an account was named, and when it used or served with success */
typedef struct Activity
{
	int64		account;		/* account number, or key of a name */
	TimestampTz named_at;
	bool		active;
	TimestampTz first_at;
	TimestampTz last_at;
} Activity;

/* an account that rows name without knowing its number */
typedef struct NamedAccount
{
	AccountKind kind;
	char		text[MAX_ID_BYTES + 1];
} NamedAccount;

/* so many totals are found again at once: neighbours are mostly of the same accounts */
#define TOTALS_MET 1024

typedef enum Grain
{
	GRAIN_DAY,
	GRAIN_MONTH
} Grain;

typedef struct Totals
{
	MemoryContext context;
	Grain		grain;
	DateADT		last_day;		/* of the row added last */
	DateADT		last_month;
	int64		last_keys[2];	/* its user and provider, by kind; 0 for none */
	bool		last_earned;	/* whether it may bring creators something */
	bool		find_accounts;	/* posting: look names up, and count what has no price; else keep names */
	bool		asked_kinds;	/* whether mixed_kinds has been found out */
	bool		mixed_kinds;	/* a chain may hold accounts of another kind */
	const Party *only;			/* NULL: all accounts */
	int64		only_name;		/* the key of its name */
	bool		ranking;		/* add up, by account alone, what counts on this board */
	Board		board;
	DateADT		board_month;	/* DATEVAL_NOEND: of all time */
	HTAB	   *totals;			/* Total */
	Total	   *met[TOTALS_MET];	/* those met last, by hash of their keys */
	HTAB	   *models;			/* ModelTotal */
	HTAB	   *activities;		/* Activity */
	HTAB	   *places;			/* from name to place */
	NamedAccount *names;
	int			nnames;
	int			allocated;
	int64		events;
	int64		shares;
	int64		unpriced;		/* requests of mainnet without a price */
} Totals;

extern Totals *totals_create(Grain grain, bool find_accounts);
extern void totals_only(Totals *totals, AccountKind kind, Id id);
extern void totals_only_board(Totals *totals, Board board, DateADT month);
extern TransactionId totals_add_tail(Totals *totals);
extern void totals_add(Totals *totals, const LineRow *row);
extern void totals_add_sum(Totals *totals, const Total *sum);
extern void totals_add_model_sum(Totals *totals, const ModelTotal *sum);
extern int64 *totals_name_keys(const Totals *totals);
extern bool is_unpriced(const LineRow *row);
extern DateADT month_of(DateADT day);

#endif							/* REWARDS_TOTALS_H */
