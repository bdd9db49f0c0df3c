/*
 * installation.h
 *		Which database this is.
 */
#ifndef REWARDS_INSTALLATION_H
#define REWARDS_INSTALLATION_H

extern char *current_identity(void);

#endif							/* REWARDS_INSTALLATION_H */
