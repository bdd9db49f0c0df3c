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
