# What the tests of dumps, upgrades and updates share: a programme in which
# everything has been used once, all that a database says, and all that is in it.
package RewardsCopy;

use strict;
use warnings;
use Exporter 'import';
use RewardsTest;
use Test::More;

our @EXPORT = qw(install_old world grants make_views grow columns figures objects same_objects initial_privileges may);

# Installs an older version beside the newest library.  install() of the older one
# would ask for its own library, so it is told that it has it.
sub install_old
{
	my ($node, $database, $version) = @_;

	$node->safe_psql($database, qq{
		create extension rewards version '$version';
		create or replace function rewards.library_version() returns text language sql immutable parallel safe as \$\$ select '$version' \$\$;
	});
}

# Something in every table, so that no figure is the figure of nothing.
sub world
{
	my ($node, $database) = @_;

	$node->safe_psql($database, q{
		select rewards.init_pricing('mainnet');
		select rewards.start_campaign('spring', 2, now() - interval '1 hour', now() + interval '1 day', kind => 'user');
		select rewards.set_multiplier('p1', 'provider', 1.5);
		select rewards.set_rate_limit('usage', 1000000, '1 day');
		select rewards.set_streak_multiplier('user', 3, 1.1);
		select rewards.referral_code('u1'), rewards.referral_code('p1', 'provider');
		select rewards.referral_code('u2', custom => 'SPRING-U2');
		select rewards.revoke_code(rewards.referral_code('u4'), 'a test');
		select rewards.register_character('c1', 'Ada');
		select rewards.register_model('m1', owner => 'u5', character_id => 'c1', tier => 'open_ocean', rate => 0.0002);
		select rewards.register_account('Ann@Example.com', email => 'ann@example.com');

		/* money */
		select rewards.add_credits('u1', 100, 'a top-up', reference => 'top-1');
		select rewards.add_credits('u2', 50, 'for a week', expires_at => now() + interval '7 days');
		select rewards.add_credits('u1', 20, 'a gift', 'tokens');
		select rewards.add_credits('u1', 20, 'a gift', 'EUR');
		select rewards.authorize_usage('u1', 2.5, 'held-1');
		select rewards.deduct_token('u1', 2, 'c1', 'chat-1');
		select rewards.adjust('p2', 'provider', 12.5, 'an apology');
		select rewards.set_payout_method('p2', 'bank', '{"iban": "GB33BUKB20201555555555"}', 'provider');
		select rewards.request_payout('p2', 'provider', 2, 'points', 'bank');

		/* invitations and the waiting list */
		select rewards.join_waitlist('w' || n || '@example.com') from generate_series(1, 5) n;
		select count(*) from rewards.release_invites(2);
		select rewards.redeem_code(w.invite_code, w.email) from rewards.waitlist w where w.email = 'w1@example.com';
		select rewards.share_referral('Ann@Example.com', 'friend@example.com', (rewards.make_invite_codes(
			(select a.id from rewards.account a where a.name = 'Ann@Example.com'), 1, 'test'))[1]);

		/* usage of other days, a streak, what was taken back */
		insert into rewards.usage_logs (request_id, user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
		select 'old-' || d, 'u' || d % 4, 'p' || d % 3, '/v1/chat/completions', (array['m1', 'mixtral', null])[d % 3 + 1], d, 2 * d, now() - make_interval(days => d)
		from generate_series(1, 40) d;
		insert into rewards.usage_logs (user_id, endpoint, model) values ('u1', '/chat/completions', 'nobody-knows-it');
		select rewards.record_uptime('p1', current_date - 1, 70000);
		select rewards.reverse_usage(rewards.track_usage('taken-back', 'u1', 'p1', '/tts', null, 200, 1, 1, 1), 'a test');

		/* where accounts stand */
		select rewards.set_status('u7', 'user', 'paused', 'a test');
		select rewards.appeal('u7', 'user', 'why?');
		select rewards.sanction('u8', 'user', 'a test');
		select rewards.revoke_rewards('u6', 'user', 'a test');
		select rewards.revoke_code('u4', 'a test');
		select rewards.set_milestone(1, '{"premium": "1 day"}');
		select rewards.post();
		select count(*) from rewards.maintain();

		/* what needs a history or a fault to come about */
		insert into rewards.abuse_flag (account, detector, evidence) values (1, 'signup_burst', '{}');
		insert into rewards.review (account, reason, evidence) values (1, 'a test', '{}');
		insert into rewards.quality_score (account, day, method, score, referees) values (1, current_date, 'test', 0.5, 3);
		insert into rewards.unrated_usage (usage_id, error) values (1, 'a test');
		insert into rewards.invite_reward (account, cause, reward, reason) values (1, 'test', '{"premium": "1 day"}', 'a test');
		insert into rewards.perk (account, perk, duration, reward) values (1, 'premium', '1 day', 1);
	});
}

# The roles once, then a grant of each kind: by grant_access(), by hand, by default.
sub grants
{
	my ($node, $database) = @_;

	$node->safe_psql($database, q{
		select rewards.grant_access('shop', 'app');
		select rewards.grant_access('The Analyst', 'analyst');
		grant usage on schema rewards to hand;
		grant select (kind, account) on rewards.accounts to hand;
		grant select (user_id, total_points) on rewards.user_points to hand;
		grant select on rewards.leaderboard to hand with grant option;
		grant execute on function rewards.tail_totals(text, text, text), rewards.tail_accounts(), rewards.quote(text, text, integer, integer, text, text, timestamptz) to hand;
		grant usage on sequence rewards.usage_number to hand;
	});
}

# A user's own view on every view, and some more that hangs on them.
sub make_views
{
	my ($node, $database) = @_;

	$node->safe_psql($database, q{
		do $$
		declare
			v name;
		begin
			for v in select c.relname from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v' loop
				execute format('create view %I as select * from rewards.%I', 'my_' || v, v);
			end loop;
		end $$;
		create materialized view my_months as select month, sum(total_points) as points from rewards.user_points group by month;
		create materialized view my_shares as select * from rewards.ledger;
		create function my_accounts() returns setof rewards.accounts language sql stable as $$ select * from rewards.accounts $$;
		create function my_top() returns setof rewards.board_place language sql stable
			begin atomic select p.* from rewards.leaderboard_top('user', 'all', 3) p; end;
		create view my_balance as select (rewards.balance('u1')).*;
	});
}

# The columns of all views and of the tables that carry what happened, to compare
# figures of databases whose later columns may differ.  status tells the time.
my $told = q{
	c.relnamespace = 'rewards'::regnamespace and not c.relispartition and (c.relkind = 'v' or c.relkind in ('r', 'p'))
	and c.relname <> all ('{status,installation,access,cursor}')
};

sub columns
{
	my ($node, $database) = @_;
	my %columns;

	for my $line (split /\n/, $node->safe_psql($database, qq{
		select c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where $told group by c.relname}))
	{
		my ($name, $list) = split /\|/, $line;
		$columns{$name} = $list;
	}
	return \%columns;
}

# All that a database says: a line for each view and table, with a sum of its rows.
# Given columns, only those.
sub figures
{
	my ($node, $database, $columns) = @_;

	$columns ||= columns($node, $database);
	return $node->safe_psql($database, "begin isolation level repeatable read;\n" . join '', map {
		# install() leaves a line of its own
		my $which = $_ eq 'admin_log' ? "where call <> 'install'" : '';
		qq{select '$_', count(*), md5(string_agg(t::text, e'\\n' order by t::text)) from (select $columns->{$_} from rewards."$_" $which) t;\n}
	} sort keys %$columns);
}

# Everything that can be in the schema, as lines of text without OIDs.  Bounded
# partitions are one: how many there are, and their bounds, follow from the pace.
sub acl
{
	my ($column, $default) = @_;
	return qq{(select string_agg(format('%s %s%s by %s', coalesce(nullif(x.grantee, 0)::regrole::text, 'public'), x.privilege_type,
			case when x.is_grantable then ' *' else '' end, x.grantor::regrole), ', ' order by x.grantee::regrole::text, x.privilege_type, x.grantor::regrole::text)
		from aclexplode(coalesce($column, acldefault($default))) x)};
}

sub objects
{
	my ($node, $database) = @_;
	my ($schema_acl, $relation_acl, $function_acl, $type_acl) = (acl('n.nspacl', q{'n', n.nspowner}),
		acl('c.relacl', q{case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner}),
		acl('p.proacl', q{'f', p.proowner}), acl('t.typacl', q{'T', t.typowner}));
	my $column_acl = acl('a.attacl', q{'c', c.relowner});
	my $text = $node->safe_psql($database, qq{
		set search_path = pg_catalog;
		with object as (
			select concat_ws(' | ', 'schema', n.nspowner::regrole, $schema_acl, obj_description(n.oid, 'pg_namespace')) as line
			from pg_namespace n where n.nspname = 'rewards'
			union all
			select concat_ws(' | ', 'extension', e.extversion, e.extowner::regrole, e.extrelocatable, e.extconfig, obj_description(e.oid, 'pg_extension'))
			from pg_extension e where e.extname = 'rewards'
			union all
			select concat_ws(' | ', 'member', pg_describe_object(d.classid, d.objid, d.objsubid))
			from pg_depend d where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
				and d.refobjid = (select oid from pg_extension where extname = 'rewards')
			union all
			select concat_ws(' | ', 'relation', c.oid::regclass, c.relkind, c.relpersistence, c.relowner::regrole, (select amname from pg_am where oid = c.relam),
				c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reltablespace, pg_get_partkeydef(c.oid),
				regexp_replace(pg_get_expr(c.relpartbound, c.oid), '\\d+', 'N', 'g'), $relation_acl, obj_description(c.oid, 'pg_class'))
			from pg_class c where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
			union all
			select concat_ws(' | ', 'column', c.oid::regclass, row_number() over (partition by c.oid order by a.attnum), a.attname, format_type(a.atttypid, a.atttypmod),
				a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attstorage, a.attcompression, nullif(a.attstattarget, -1),
				(select array_agg(o) from unnest(a.attoptions) o where o !~ '^pg_attver='), pg_get_expr(f.adbin, f.adrelid),
				case when a.attacl is not null then $column_acl end, col_description(c.oid, a.attnum))
			from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			left join pg_attrdef f on f.adrelid = c.oid and f.adnum = a.attnum
			where c.relnamespace = 'rewards'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
			union all
			select concat_ws(' | ', 'view', c.oid::regclass, pg_get_viewdef(c.oid)) from pg_class c
			where c.relnamespace = 'rewards'::regnamespace and c.relkind = 'v'
			union all
			select concat_ws(' | ', 'rule', r.rulename, pg_get_ruledef(r.oid)) from pg_rewrite r join pg_class c on c.oid = r.ev_class
			where c.relnamespace = 'rewards'::regnamespace and r.rulename <> '_RETURN'
			union all
			select concat_ws(' | ', 'constraint', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated, obj_description(k.oid, 'pg_constraint'))
			from pg_constraint k where k.connamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisprimary, i.indisclustered, i.indisreplident, obj_description(i.indexrelid, 'pg_class'))
			from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'trigger', pg_get_triggerdef(g.oid), g.tgenabled, obj_description(g.oid, 'pg_trigger'))
			from pg_trigger g join pg_class c on c.oid = g.tgrelid where c.relnamespace = 'rewards'::regnamespace and not g.tgisinternal
			union all
			select concat_ws(' | ', 'policy', y.polrelid::regclass, y.polname, y.polcmd, y.polpermissive, y.polroles::regrole[],
				pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid), obj_description(y.oid, 'pg_policy'))
			from pg_policy y join pg_class c on c.oid = y.polrelid where c.relnamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'sequence', s.seqrelid::regclass, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
				(select pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = s.seqrelid and d.deptype in ('a', 'i')))
			from pg_sequence s join pg_class c on c.oid = s.seqrelid where c.relnamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'statistics', pg_get_statisticsobjdef(s.oid)) from pg_statistic_ext s where s.stxnamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'function', case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) else p.oid::regprocedure::text end, p.proowner::regrole,
				$function_acl, obj_description(p.oid, 'pg_proc'))
			from pg_proc p where p.pronamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'type', t.oid::regtype, t.typtype, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typalign, t.typstorage, t.typlen, t.typcategory,
				t.typowner::regrole, case when t.typtype <> 'c' then $type_acl end, obj_description(t.oid, 'pg_type'))
			from pg_type t where t.typnamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'operator', o.oid::regoperator, o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge, obj_description(o.oid, 'pg_operator'))
			from pg_operator o where o.oprnamespace = 'rewards'::regnamespace
			union all
			select concat_ws(' | ', 'cast', a.castsource::regtype, a.casttarget::regtype, a.castfunc::regprocedure, a.castcontext, a.castmethod)
			from pg_cast a where 'rewards.distribution'::regtype in (a.castsource, a.casttarget)
			union all
			select concat_ws(' | ', 'default privileges', d.defaclrole::regrole, d.defaclobjtype, @{[ acl('d.defaclacl', q{'r', d.defaclrole}) ]})
			from pg_default_acl d where d.defaclnamespace = 'rewards'::regnamespace
		)
		select distinct replace(regexp_replace(line, 'usage_logs_\\d+', 'usage_logs_N', 'g'), e'\\n', '\\n') from object order by 1
	});
	return [ split /\n/, $text ];
}

# Passes when both have the same objects; shows the first that only one has.
sub same_objects
{
	my ($left, $right, $what) = @_;
	my %left = map { $_ => 1 } @$left;
	my %right = map { $_ => 1 } @$right;
	my @differ = ((map { "- $_" } grep { !$right{$_} } @$left), (map { "+ $_" } grep { !$left{$_} } @$right));

	cmp_ok(scalar @$left, '>', 1500, "$what: there is something to compare");
	@differ = sort { substr($a, 2) cmp substr($b, 2) } @differ;
	is(scalar @differ, 0, $what) or diag(join "\n", @differ[0 .. ($#differ > 39 ? 39 : $#differ)]);
}

# What the extension gave by itself: pg_dump leaves this out, so a role's grant
# that stood here would be lost.
sub initial_privileges
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{
		select pg_describe_object(i.classoid, i.objoid, i.objsubid), i.privtype, i.initprivs
		from pg_init_privs i where pg_describe_object(i.classoid, i.objoid, i.objsubid) ~ 'rewards' order by 1
	});
}

# What these roles may do, one line each.
sub may
{
	my ($node, $database) = @_;
	return [ split /\n/, $node->safe_psql($database, q{
		with role as (select oid, rolname from pg_roles where rolname in ('shop', 'The Analyst', 'hand', 'heir')),
		relation as (select oid, relkind, oid::regclass::text as name from pg_class where relnamespace = 'rewards'::regnamespace and relkind in ('r', 'p', 'v', 'S'))
		select distinct format('%s: %s %s', r.rolname, w, regexp_replace(c.name, 'usage_logs_\d+', 'usage_logs_N'))
		from role r, relation c, unnest('{select,insert,update,delete,truncate,references,trigger,select with grant option}'::text[]) w
		where c.relkind <> 'S' and has_table_privilege(r.oid, c.oid, w)
		union all
		select format('%s: %s %s', r.rolname, w, c.name) from role r, relation c, unnest('{usage,select,update}'::text[]) w
		where c.relkind = 'S' and has_sequence_privilege(r.oid, c.oid, w)
		union all
		select format('%s: %s %s.%s', r.rolname, w, c.name, a.attname)
		from role r, relation c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped, unnest('{select,insert,update}'::text[]) w
		where c.relkind in ('v', 'p', 'r') and c.name !~ '_\d+$' and has_column_privilege(r.oid, c.oid, a.attnum, w)
		union all
		select format('%s: call %s', r.rolname, p.oid::regprocedure) from role r, pg_proc p
		where p.pronamespace = 'rewards'::regnamespace and has_function_privilege(r.oid, p.oid, 'execute')
		union all
		select format('%s: usage', r.rolname) from role r where has_schema_privilege(r.oid, 'rewards', 'usage')
		order by 1
	}) ];
}

# It lives on: written, posted to the end, every total the sum of its rows.
sub grow
{
	my ($node, $database) = @_;

	load_finish(load_start($node, 1, rate => 300, database => $database), "the load in $database");
	ok(post_all($node, $database), "$database: posting comes to its end");
	is($node->safe_psql($database, 'select * from rewards.verify() limit 10'), '', "$database: verify() is clean");
}

1;
