-- Seals and what verify() came to stay as they are: an accident of the owner is refused,
-- posting and verify() add to them, and uninstall() removes them.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts');
select complete from rewards.post();
select count(*) as findings from rewards.verify();
create function pg_temp.attempt(command text) returns text language plpgsql as $$
begin
	execute command;
	return 'done';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select command, pg_temp.attempt(command) as outcome from unnest(array[
	'update rewards.seal set sealed_at = now()', 'update rewards.seal set rows = 0 where false', 'delete from rewards.seal', 'truncate rewards.seal',
	'update rewards.verification set findings = 0', 'delete from rewards.verification where findings > 0', 'truncate rewards.verification']) command;
insert into rewards.usage_logs (user_id, endpoint) values ('u', '/tts');
select complete from rewards.post();
select count(*) as findings from rewards.verify();
select (select count(*) from rewards.seal where source = 'usage_logs') as seals, (select count(*) from rewards.verification) as verifications;
select rewards.install() is not null as again;
select pg_temp.attempt('delete from rewards.seal') as outcome;
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select (select count(*) from rewards.seal) as seals, (select count(*) from rewards.verification) as verifications;
