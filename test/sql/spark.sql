-- spark(): the last 30 days of an account as a line of blocks (N4).
set timezone to 'UTC';
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as quiet;
select rewards.set_service('unit', '/unit', 0, user_base => 1, valid_from => '-infinity') is not null as one_point;
insert into rewards.usage_logs (user_id, endpoint, created_at)
select 'u1', '/unit', rewards.today() - d + time '12:00'
from (values (0, 7), (1, 1), (2, 0), (3, 4), (29, 6), (30, 50)) p(d, points) cross join generate_series(1, points);
/* a full block for the highest day, more than the lowest for any points; what is older than 30 days does not count */
select rewards.spark('u1'), length(rewards.spark('u1'));
select complete from rewards.post();
select rewards.spark('u1');
/* without points, and for nobody: flat */
insert into rewards.usage_logs (user_id, endpoint, status_code) values ('u2', '/unit', 500);
select rewards.spark('u2'), rewards.spark('nobody', 'provider');
/* a day on which more was taken back than earned is as low as can be */
select rewards.adjust('u1', 'user', -100, 'a test') is not null as adjusted;
select rewards.spark('u1');
