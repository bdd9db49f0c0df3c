/*
 * installation.h
 *		Which database this is, and whether install() has made the tables.
 */
#ifndef REWARDS_INSTALLATION_H
#define REWARDS_INSTALLATION_H

extern void installation_require(void);
extern char *current_identity(void);

#endif							/* REWARDS_INSTALLATION_H */
