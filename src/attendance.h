/*
 * attendance.h
 *		How many users were there on which days, in which weeks and months.
 */
#ifndef REWARDS_ATTENDANCE_H
#define REWARDS_ATTENDANCE_H

#include "utils/date.h"

/* an account's days, as far as folded; account 0 and a name's key have none */
typedef struct Attendee
{
	int64		account;
	bool		known;			/* it was there before: */
	DateADT		first_day;
	DateADT		last_day;
} Attendee;

typedef struct Attendance Attendance;

extern Attendance *attendance_create(void);
extern void attendance_add(Attendance *attendance, const Attendee *attendee,
						   const DateADT *days, int count);
extern void attendance_write(Attendance *attendance);

#endif							/* REWARDS_ATTENDANCE_H */
