/* install() and uninstall(): the tables, views and triggers, made and removed. */

create function rewards.require_installed() returns void
	as 'MODULE_PATHNAME' language c stable parallel safe;
revoke all on function rewards.require_installed() from public;
comment on function rewards.require_installed() is '55000 with a hint before install(), also after an update of the extension';

create function rewards.install(preset text default null) returns text
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set client_min_messages = warning
as $$
declare
	version text := (select extversion from pg_extension where extname = 'rewards');
	former text;
	first boolean;
	versions bigint[] := '{}';
begin
	if version <> rewards.library_version() then
		raise exception 'the library is version %, the extension version %', rewards.library_version(), version
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Run: alter extension rewards update;';
	end if;
	/* posting locks the cursor before all else: it waits here, and not in the midst */
	if to_regclass('rewards.cursor') is not null then
		lock table rewards.cursor in exclusive mode;
	end if;
	execute rewards.schema_sql();
	former := (select i.version from rewards.installation i);
	insert into rewards.installation (version) values (version)
		on conflict (single) do update set version = excluded.version, installed_at = clock_timestamp();
	/* to other nodes than the directory rules come from there */
	first := not exists (select from rewards.rule) and coalesce(rewards.node_role(), 'directory') = 'directory';
	if first then
		versions := rewards.apply_preset(coalesce(preset, 'cxmpute'), '-infinity', rewards.caller()::text);
	elsif preset is not null then
		versions := rewards.apply_preset(preset, now(), rewards.caller()::text);
	end if;
	perform rewards.make_partitions();
	perform rewards.guard_tables();
	perform rewards.renew_access();
	perform rewards.log_call('install', jsonb_build_object('preset', preset, 'versions', versions),
		case when former is not null then jsonb_build_object('version', former, 'rules', c.before) end,
		jsonb_build_object('version', version, 'rules', c.after), rewards.caller()::text)
	from rewards.changed_rules(versions) c;
	if first then
		/*
		 * Under wal_level minimal nothing is logged of a sequence in the transaction
		 * that makes it, yet the values it has in store count as logged: after a
		 * crash it would give them out again. setval() empties the store.
		 */
		perform setval('rewards.rule_id_seq', (select last_value from rewards.rule_id_seq));
		perform setval('rewards.admin_log_id_seq', (select last_value from rewards.admin_log_id_seq));
	end if;
	return format('rewards %s is installed', version);
end
$$;
revoke all on function rewards.install(text) from public;
comment on function rewards.install(text) is
	'makes the tables, views and triggers, or brings older ones to this version; idempotent. preset: rules to begin with, NULL = cxmpute on an empty database. Only the extension''s owner may call it';

create function rewards.uninstall(confirmation text) returns void
	language plpgsql volatile parallel unsafe
	security definer set search_path = pg_catalog, pg_temp
	set client_min_messages = warning
as $$
declare
	doomed record;
begin
	if confirmation is distinct from 'drop all data' then
		raise exception 'uninstall() drops every event, account and total'
			using errcode = 'invalid_parameter_value',
				hint = 'To do so, run: select rewards.uninstall(''drop all data'');';
	end if;
	/* so that posting does not hold what is to be dropped and wait for what is gone */
	if to_regclass('rewards.cursor') is not null then
		lock table rewards.cursor in access exclusive mode;
	end if;
	drop publication if exists rewards_directory, rewards_history, rewards_newcomers, rewards_totals;
	/* all that the schema holds and the extension does not own */
	for doomed in
		select c.oid::regclass as relation, c.relkind
		from pg_class c
		where c.relnamespace = 'rewards'::regnamespace
			and c.relkind in ('v', 'r', 'p', 'S') and not c.relispartition
			and not exists (select from pg_depend d
							where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
		order by array_position(array['v', 'p', 'r', 'S']::"char"[], c.relkind)
	loop
		if exists (select from pg_class c where c.oid = doomed.relation) then
			execute format('drop %s if exists %s cascade',
				case doomed.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
				doomed.relation);
		end if;
	end loop;
end
$$;
revoke all on function rewards.uninstall(text) from public;
comment on function rewards.uninstall(text) is
	'drops all data, so that the extension can be dropped; asks for the words ''drop all data''';
