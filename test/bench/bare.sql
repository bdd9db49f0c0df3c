-- What logging alone costs: the columns and indexes of rewards.usage_logs, no
-- trigger and no partitions.

create schema bare;

create sequence bare.usage_number;
create table bare.usage (like rewards.usage_logs);
alter table bare.usage alter id set default nextval('bare.usage_number'), alter created_at set default now(),
	alter status_code set default 200, alter input_tokens set default 0, alter output_tokens set default 0,
	add primary key (id);
create index on bare.usage using brin (created_at);
create unique index on bare.usage (request_id) where request_id is not null and status_code between 200 and 299;
