/*
 * settings.h
 *		The programme's settings: names, defaults, what they mean.
 *
 * Their values are rules of the kind "setting"; server parameters are in
 * rewards.c.
 */
#ifndef REWARDS_SETTINGS_H
#define REWARDS_SETTINGS_H

typedef struct SettingInfo
{
	const char *name;
	const char *default_value;
	const char *description;
} SettingInfo;

extern const SettingInfo *setting_info(const char *name);

#endif							/* REWARDS_SETTINGS_H */
