/* The outbox: what people are to be told, and who has used whose model. */

create table if not exists rewards.notification (
	id bigint generated always as identity primary key,
	account bigint not null,
	event text not null,
	cause text collate "C" not null,
	payload jsonb not null,
	created_at timestamptz not null default clock_timestamp(),
	taken_until timestamptz,
	delivered_at timestamptz,
	recorded_xid xid8 not null default pg_current_xact_id(),
	unique (account, event, cause)
);
create index if not exists notification_new on rewards.notification (recorded_xid) where delivered_at is null;
create index if not exists notification_open on rewards.notification (id) where delivered_at is null;
comment on table rewards.notification is 'messages for accounts, each once by (account, event, cause); a mailer has it until taken_until';

create table if not exists rewards.model_user (
	model text collate "C" not null,
	account bigint not null,
	owner bigint not null,
	first_at timestamptz not null,
	primary key (model, account)
);
comment on table rewards.model_user is 'users whose use of a model has earned somebody something, as far as folded; owner is who earned from the first';
