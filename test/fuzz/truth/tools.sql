/* What worlds of random events are made with and compared by.  Needs the variable seed. */

create schema truth;

/* Stops with what is listed, if anything is. */
create function truth.demand(what text, differences text[]) returns void language plpgsql as $$
begin
	if cardinality(differences) > 0 then
		raise exception '%: not as it should be', what using detail = array_to_string(differences, E'\n');
	end if;
end
$$;

/*
 * Dice without memory: the same word and number always fall the same, so that a
 * seed gives one world whatever the plans of the queries are.
 */
create function truth.dice(word text, n bigint) returns double precision
	language sql immutable parallel safe
	return ((hashtextextended(word, :seed::bigint * 4294967296 + n) >> 11) & 9007199254740991)::double precision / 9007199254740992;
create function truth.roll(word text, n bigint, sides integer) returns integer
	language sql immutable parallel safe
	return floor(truth.dice(word, n) * sides)::integer;

/* Two queries that must give the same lines. */
create procedure truth.same(what text, truth text, reading text) language plpgsql as $$
declare
	start timestamptz := clock_timestamp();
	lines bigint;
begin
	execute format('create temp table expected as %s', truth);
	get diagnostics lines = row_count;
	execute format('create temp table found as %s', reading);
	perform truth.demand(what, array(
		(select 'expected ' || d::text from (table expected except all table found) d order by 1 limit 10)
		union all
		(select 'found    ' || d::text from (table found except all table expected) d order by 1 limit 10)
		order by 1));
	drop table expected, found;
	raise notice '% % the same (% ms)', lines, what, (extract(epoch from clock_timestamp() - start) * 1000)::integer;
end
$$;
