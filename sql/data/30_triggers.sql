/* What guards the rows. */

create or replace trigger usage_reward before insert on rewards.usage_logs
	for each row execute function rewards.usage_before_insert();
create or replace trigger usage_immutable before update or delete or truncate on rewards.usage_logs
	for each statement execute function rewards.refuse_change();
create or replace trigger journal_immutable before update or delete or truncate on rewards.journal
	for each statement execute function rewards.refuse_change();
create or replace trigger admin_log_immutable before update or delete or truncate on rewards.admin_log
	for each statement execute function rewards.refuse_change();
