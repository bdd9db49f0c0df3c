/* Inputs of which it is known what becomes of them. */

create table fuzz.known (input text, outcome text);
insert into fuzz.known values
	/* accepted */
	('[]', '[]'), (' [ ] ', '[]'),
	('[{"entry":"work","amount":1}]', '[{"account": null, "entry": "work", "amount": 1}]'),
	('[{"amount":1e0,"level":0,"account":null,"entry":"work"}]', '[{"account": null, "entry": "work", "amount": 1}]'),
	('[{"account":9223372036854775807,"entry":"stake","level":32,"amount":9223372036.854775807}]', '[{"account": 9223372036854775807, "entry": "stake", "level": 32, "amount": 9223372036.854775807}]'),
	('[{"account":1,"entry":"payout","amount":-9223372036.854775807}]', '[{"account": 1, "entry": "payout", "amount": -9223372036.854775807}]'),
	('[{"entry":"work","amount":-0}]', '[{"account": null, "entry": "work", "amount": 0}]'),
	('[{"entry":"work","amount":0.0000000010}]', '[{"account": null, "entry": "work", "amount": 0.000000001}]'),
	('[{"entry":"work","amount":1E-9}]', '[{"account": null, "entry": "work", "amount": 0.000000001}]'),
	('[{"entry":"work","amount":1.5e+9}]', '[{"account": null, "entry": "work", "amount": 1500000000}]'),
	('[{"entry":"w\u006frk","amount":1}]', '[{"account": null, "entry": "work", "amount": 1}]'),
	/* numbers too large, too small, too fine */
	('[{"entry":"work","amount":9223372036.854775808}]', '22003'), ('[{"entry":"work","amount":-9223372036.854775808}]', '22003'),
	('[{"entry":"work","amount":9223372036854775807}]', '22003'), ('[{"entry":"work","amount":1e400}]', '22003'),
	('[{"entry":"work","amount":1e131000}]', '22003'), ('[{"entry":"work","amount":1e200000}]', '22003'), ('[{"entry":"work","amount":-1e99999999999}]', '22'),
	('[{"entry":"work","amount":1e-400}]', '22023'), ('[{"entry":"work","amount":0.0000000001}]', '22023'), ('[{"entry":"work","amount":1.0123456789}]', '22023'),
	('[{"account":9223372036854775808,"entry":"work","amount":1}]', '22003'), ('[{"account":1e3,"entry":"work","amount":1}]', '22P02'),
	('[{"account":0,"entry":"work","amount":1}]', '22P02'), ('[{"account":-1,"entry":"work","amount":1}]', '22P02'), ('[{"account":1.0,"entry":"work","amount":1}]', '22P02'),
	('[{"level":33,"entry":"work","amount":1}]', '22P02'), ('[{"level":-1,"entry":"work","amount":1}]', '22P02'), ('[{"level":null,"entry":"work","amount":1}]', '22P02'),
	('[{"level":99999999999999999999,"entry":"work","amount":1}]', '22003'), ('[{"level":4294967297,"entry":"work","amount":1}]', '22P02'),
	/* other types of value, other keys, none, twice */
	('[{"entry":"work","amount":"1"}]', '22P02'), ('[{"entry":"work","amount":null}]', '22P02'), ('[{"entry":"work","amount":true}]', '22P02'),
	('[{"entry":"work","amount":NaN}]', '22P02'), ('[{"entry":"work","amount":Infinity}]', '22P02'), ('[{"entry":"work","amount":0x1}]', '22P02'), ('[{"entry":"work","amount":01}]', '22P02'),
	('[{"entry":1,"amount":1}]', '22P02'), ('[{"entry":"","amount":1}]', '22P02'), ('[{"entry":"Work","amount":1}]', '22P02'), ('[{"entry":null,"amount":1}]', '22P02'),
	('[{"account":"1","entry":"work","amount":1}]', '22P02'), ('[{"account":[],"entry":"work","amount":1}]', '22P02'), ('[{"account":{},"entry":"work","amount":1}]', '22P02'),
	('[{"entry":"work"}]', '22P02'), ('[{"amount":1}]', '22P02'), ('[{}]', '22P02'), ('[1]', '22P02'), ('[null]', '22P02'), ('[[]]', '22P02'), ('[[{"entry":"work","amount":1}]]', '22P02'),
	('[{"entry":"work","amount":1,"amount":1}]', '22P02'), ('[{"entry":"work","amount":1,"entry":"work"}]', '22P02'), ('[{"account":null,"entry":"work","amount":1,"account":null}]', '22P02'),
	('[{"level":0,"entry":"work","amount":1,"level":0}]', '22P02'), ('[{"entry":"work","amount":1,"note":1}]', '22P02'), ('[{"entry":"work","Amount":1}]', '22P02'), ('[{"entry":"work","amount":1,"":1}]', '22P02'),
	/* no list of shares at all */
	('', '22P02'), (' ', '22P02'), ('null', '22P02'), ('0', '22P02'), ('"work"', '22P02'), ('{}', '22P02'), ('{"entry":"work","amount":1}', '22P02'), ('[],[]', '22P02'), ('[]]', '22P02'), ('[,]', '22P02'),
	('[{"entry":"work","amount":1},]', '22P02'), ('[{"entry":"work","amount":1}', '22P02'), ('[{"entry":"work" "amount":1}]', '22P02'), ('[{"entry":"work","amount":1}] x', '22P02'),
	('[{"entry":"w\u0000","amount":1}]', '22P05'), ('[{"entry":"\ud800","amount":1}]', '22P02'), ('[{"\u0000":"work","amount":1}]', '22P05'), (E'[{"entry":"wo\nrk","amount":1}]', '22P02'),
	/* deep and long */
	(repeat('[', 100000), '22P02'), (repeat('[', 100000) || repeat(']', 100000), '22P02'), (repeat('{"account":', 100000), '22P02'), (repeat('[{"account":', 100000), '22P02'),
	('[{"account":' || repeat('[', 100000), '22P02'), ('[{"amount":' || repeat('1', 100000) || ',"entry":"work"}]', '22003'), ('[{"amount":0.' || repeat('0', 16000) || '1,"entry":"work"}]', '22023'),
	('[{"amount":' || repeat('9', 1000000) || ',"entry":"work"}]', '22003'), ('[{"' || repeat('x', 10000000) || '":1}]', '22P02'), ('[{"entry":"' || repeat('work', 2000000) || '","amount":1}]', '22P02'),
	(repeat(' ', 10000000) || '[]', '[]');

do $$
declare
	k fuzz.known;
	state text;
begin
	for k in select * from fuzz.known loop
		state := fuzz.give_text('known text', k.input);
		if state = 'accepted' then
			state := k.input::rewards.distribution::text;
		end if;
		if state <> k.outcome and left(state, length(k.outcome)) <> k.outcome then
			raise exception '% became %, not %', left(k.input, 200), left(state, 200), k.outcome;
		end if;
	end loop;
end
$$;

/* a million shares, there and back */
do $$
declare
	d rewards.distribution := ('[' || repeat('{"entry":"referral","account":7,"level":3,"amount":0.000000001},', 999999) || '{"entry":"work","amount":2}]')::rewards.distribution;
begin
	if d::text::rewards.distribution <> d
			or (select (count(*), sum(amount), count(account_number), max(level)) from rewards.shares(d)) <> (1000000::bigint, 2.000999999, 999999::bigint, 3) then
		raise exception 'a million shares do not come out as they went in';
	end if;
	if fuzz.give_bytes('a million shares', rewards.distribution_send(d)) <> 'accepted' then
		raise exception 'a million shares are not accepted';
	end if;
end
$$;

/* the format byte is 1; a share is entry and scale, level, varint of the account, zigzag varint of the mantissa */
create table fuzz.known_bytes (input bytea, accepted boolean);
insert into fuzz.known_bytes values
	('\x01', true), ('\x0110000002', true), ('\x0110200102', true), ('\x01d0200102', true), ('\x0119000003', true), ('\x0110000001', true),
	('\x011000ffffffffffffffff7f02', true), ('\x01190000feffffffffffffffff01', true), ('\x01190000fdffffffffffffffff01', true),
	/* no or another format */
	('\x', false), ('\x00', false), ('\x02', false), ('\xff', false), ('\x0010000002', false),
	/* no such entry, scale, level */
	('\x0100000002', false), ('\x01e0000002', true), ('\x01f0000002', true), ('\x011a000002', false), ('\x011f000002', false), ('\x0110210002', false), ('\x0110ff0002', false),
	/* too short */
	('\x0110', false), ('\x011000', false), ('\x01100000', false), ('\x0110000080', false), ('\x01100080', false), ('\x011000000210', false),
	/* varints longer than need be, or than 64 bits */
	('\x011000800002', false), ('\x011000008200', false), ('\x0110008080808080808080808002', false), ('\x011000ffffffffffffffffff0102', false), ('\x0110008080808080808080800102', false),
	('\x01100000ffffffffffffffffff02', false), ('\x01100000ffffffffffffffffffff01', false), (decode('01100000' || repeat('ff', 1000), 'hex'), false),
	/* a mantissa that could be shorter, an amount out of range */
	('\x0111000014', false), ('\x0111000000', false), ('\x01100000ffffffffffffffffff01', false), ('\x01190000ffffffffffffffffff01', false), ('\x01100000fcffffffffffffffff01', false);

do $$
declare
	k fuzz.known_bytes;
	state text;
begin
	for k in select * from fuzz.known_bytes loop
		state := fuzz.give_bytes('known bytes', k.input);
		if (state = 'accepted') <> k.accepted then
			raise exception 'bytes % became %', left(k.input::text, 200), state;
		end if;
	end loop;
end
$$;
