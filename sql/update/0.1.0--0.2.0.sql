/*
 * 0.1.0 -> 0.2.0, the part that is written by hand; make adds every function of the new
 * version as CREATE OR REPLACE (see assemble.awk).
 *
 * To be written here, because CREATE OR REPLACE cannot do it:
 *
 *	- DROP of a function that is no more, or whose arguments (types, names of those that
 *	  had one, OUT columns), result or removed defaults differ.  The new one is made
 *	  below.  Whatever was granted on it goes; install() grants again what grant_access()
 *	  gave.  A function that a view, trigger, policy, default or constraint uses is never
 *	  dropped: the changed one gets a new name.
 *	- ALTER TYPE of a composite type that got a column, ALTER OPERATOR and the like.
 *	- DROP of a type or operator that is no more.
 *
 * Never here: tables, views and triggers, and calls of install().  What an update script
 * makes belongs to the extension, and data must not.
 */

/* takes the arguments that a call logs */
drop function rewards.set_rule(text, text, text, jsonb, timestamptz, text);
/* also tells which versions of rules a share comes from */
drop function rewards.explain_shares(bigint);
