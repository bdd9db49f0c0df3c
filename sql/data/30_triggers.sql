/* What guards the rows. */

create or replace trigger usage_reward before insert on rewards.usage_logs
	for each row execute function rewards.usage_before_insert();
comment on trigger usage_reward on rewards.usage_logs is 'computes the reward of a row and writes it into the row';
create or replace trigger usage_charge after insert on rewards.usage_logs
	for each statement execute function rewards.usage_after_insert();
comment on trigger usage_charge on rewards.usage_logs is 'under the credit policy enforce: refuses a statement that wallets do not cover';
create or replace trigger usage_immutable before update or delete or truncate on rewards.usage_logs
	for each statement execute function rewards.refuse_change();
comment on trigger usage_immutable on rewards.usage_logs is 'rows are immutable';
create or replace trigger journal_immutable before update or delete or truncate on rewards.journal
	for each statement execute function rewards.refuse_change();
comment on trigger journal_immutable on rewards.journal is 'the journal only grows';
create or replace trigger admin_log_immutable before update or delete or truncate on rewards.admin_log
	for each statement execute function rewards.refuse_change();
comment on trigger admin_log_immutable on rewards.admin_log is 'the log of calls only grows';
create or replace trigger revocation_immutable before update or delete or truncate on rewards.revocation
	for each statement execute function rewards.refuse_change();
comment on trigger revocation_immutable on rewards.revocation is 'what was taken back stays on record';

create or replace trigger seal_immutable before update or delete or truncate on rewards.seal
	for each statement execute function rewards.refuse_change();
comment on trigger seal_immutable on rewards.seal is 'seals prove what was folded';
create or replace trigger verification_immutable before update or delete or truncate on rewards.verification
	for each statement execute function rewards.refuse_change();
comment on trigger verification_immutable on rewards.verification is 'what verify() came to stays on record';

create or replace trigger removal_immutable before update or delete or truncate on rewards.removal
	for each statement execute function rewards.refuse_change();
comment on trigger removal_immutable on rewards.removal is 'what was removed stays on record';
create or replace trigger removed_sum_immutable before update or delete or truncate on rewards.removed_sum
	for each statement execute function rewards.refuse_change();
comment on trigger removed_sum_immutable on rewards.removed_sum is 'sums stand for rows that are gone';
create or replace trigger removed_traffic_immutable before update or delete or truncate on rewards.removed_traffic
	for each statement execute function rewards.refuse_change();
comment on trigger removed_traffic_immutable on rewards.removed_traffic is 'sums stand for rows that are gone';
create or replace trigger removed_usage_immutable before update or delete or truncate on rewards.removed_usage
	for each statement execute function rewards.refuse_change();
comment on trigger removed_usage_immutable on rewards.removed_usage is 'it stands for rows that are gone';

/* histories: appended; only posting writes into a row, and once, from which number on everybody knew it */
select rewards.guard_history(h::regclass)
from unnest('{rewards.rule,rewards.account_fact,rewards.model_fact,rewards.account_status}'::text[]) h;

/* an edge is for good, and who has a number keeps it */
create or replace trigger account_immutable before update of id, kind, name or delete or truncate on rewards.account
	for each statement execute function rewards.refuse_change();
comment on trigger account_immutable on rewards.account is 'numbers of accounts stand in distributions';
create or replace trigger account_edge before update of referrer, referred_at, seen_from, recorded_at, recorded_xid, code on rewards.account
	for each row when (old.referrer is not null) execute function rewards.refuse_change();
comment on trigger account_edge on rewards.account is 'a referrer is permanent';
create or replace trigger account_settled before update of sure_from on rewards.account
	for each row when (old.sure_from is not null) execute function rewards.refuse_change();
comment on trigger account_settled on rewards.account is 'from when on everybody knew an edge is found once';

/* these have states; none of them goes */
create or replace trigger payout_kept before delete or truncate on rewards.payout
	for each statement execute function rewards.refuse_change();
comment on trigger payout_kept on rewards.payout is 'payouts stay on record';
create or replace trigger abuse_flag_kept before delete or truncate on rewards.abuse_flag
	for each statement execute function rewards.refuse_change();
comment on trigger abuse_flag_kept on rewards.abuse_flag is 'flags stay on record';
create or replace trigger review_kept before delete or truncate on rewards.review
	for each statement execute function rewards.refuse_change();
comment on trigger review_kept on rewards.review is 'reviews stay on record';
create or replace trigger appeal_kept before delete or truncate on rewards.appeal
	for each statement execute function rewards.refuse_change();
comment on trigger appeal_kept on rewards.appeal is 'appeals stay on record';
