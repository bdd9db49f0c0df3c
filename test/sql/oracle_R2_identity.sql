-- R2: in the guide's programme an account's code is its own id: the User ID or the
-- Provider ID, compared byte for byte; nothing is made or stored for it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
select rewards.referral_code('usr_abc123'), rewards.referral_code('prov_xyz789', 'provider');
select referrer, kind from rewards.referral_signup('usr_abc123', 'usr_def456');
select referrer, kind from rewards.referral_signup('prov_xyz789', 'prov_uvw012', 'provider');
select count(*) as made from rewards.referral_codes;
select rewards.referral_signup('USR_ABC123', 'usr_ghi789');
-- one text, two accounts: each kind's own
select rewards.referral_code('same'), rewards.referral_code('same', 'provider');
select referrer, kind, bonus from rewards.referral_signup('same', 'usr_ghi789');
select referrer, kind, bonus from rewards.referral_signup('same', 'prov_ghi789', 'provider');
-- an account is known, and its id a code, from its first row on; a code alone makes nobody known
insert into rewards.usage_logs (user_id, provider_id, endpoint, model) values ('usr_new', 'prov_new', '/chat/completions', 'mixtral');
select referrer from rewards.referral_signup('usr_new', 'usr_jkl012');
select referrer from rewards.referral_signup('prov_new', 'prov_jkl012', 'provider');
select rewards.referral_signup('usr_unheard_of', 'usr_mno345');
select rewards.referral_code('usr_abc123', 'user', 'my-code');
select kind, referee, referrer, code from rewards.referral_relationships order by 1, 2;
