/*
 * installation.h
 *		Whether install() has made the tables.
 */
#ifndef REWARDS_INSTALLATION_H
#define REWARDS_INSTALLATION_H

extern void installation_require(void);

#endif							/* REWARDS_INSTALLATION_H */
