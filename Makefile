# rewards: builds with PGXS, in place or with VPATH (make -f CHECKOUT/Makefile).
#
#   make, make install, make installcheck, make clean    as for any extension
#   make test            builds privately and runs every suite          (test/run)
#   make test-faults     a million events while everything goes wrong   (test/faults/run)
#   make test-soak       two hours of mixed traffic: what grows          (test/soak/run)
#   make test-versions   the suites on other majors of PostgreSQL       (test/versions/run)
#   make test-upgrade    pg_upgrade between major versions              (test/upgrade/run)
#   make demo            a day of traffic on a private server           (test/demo/run)
#   make demo-stop       ends that server and removes its folder
#   make bench           how fast it is, beside what others use         (test/bench/run)
#   make test-coverage   which lines of C the suites run                (test/coverage/run)
#   make test-sanitize   the suites under ASan and UBSan                (test/sanitize/run)
#   make test-valgrind   the suites under valgrind                      (test/valgrind/run)
#   make test-perf       instructions that a row takes, by callgrind    (test/perf/run)
#   make test-fuzz       random inputs for as long as you like          (test/fuzz/long/run)
#   make test-examples   the applications in docs/examples              (test/examples/run)
#   make test-report     the report in a browser                        (test/report/run)
#
# All but the first line install nothing into PostgreSQL and need no pg_config yet.
# PG_CONFIG=/path/to/pg_config chooses the server everywhere.

here := $(dir $(firstword $(MAKEFILE_LIST)))
REWARDS_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(here)rewards.control)

EXTENSION = rewards
MODULE_big = rewards
OBJS = $(patsubst $(here)%.c,%.o,$(wildcard $(here)src/*.c))

# The install script is made here, beside the library, and never in sql/: there
# lie only frozen older versions. An update script is made here, too, of the scripts
# of both versions and of what sql/update/OLD--NEW.sql says by hand.
SCRIPT = rewards--$(REWARDS_VERSION).sql
UPDATES = $(patsubst $(here)sql/update/%,rewards--%,$(sort $(wildcard $(here)sql/update/*--*.sql)))
CODE = $(sort $(wildcard $(here)sql/code/*.sql))
SCHEMA = $(sort $(wildcard $(here)sql/data/*.sql))
DATA_built = $(SCRIPT) $(UPDATES)
DATA = $(filter-out sql/$(SCRIPT),$(patsubst $(here)%,%,$(wildcard $(here)sql/rewards--*.sql)))

# -Wextra less what PostgreSQL's conventions always set off: every SQL function
# has its fcinfo, the server's headers compare signed with unsigned, and tables
# end in {0} or {NULL}.
PG_CPPFLAGS = -I$(here)src -DREWARDS_VERSION='"$(REWARDS_VERSION)"'
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# Tests are found, not listed. PostgreSQL 15 looks for expected/ beside the
# inputs (a link leads there), later versions where they are told to.
REGRESS = $(sort $(patsubst $(here)test/sql/%.sql,%,$(wildcard $(here)test/sql/*.sql)))
ISOLATION = $(sort $(patsubst $(here)test/specs/%.spec,%,$(wildcard $(here)test/specs/*.spec)))
PROVE_TESTS = $(sort $(patsubst $(here)%,%,$(wildcard $(here)test/t/*.pl)))
TAP_TESTS = $(if $(PROVE_TESTS),1)
TEST_CONF = $(here)test/server.conf
TEST_OPTS = --inputdir=$(here)test $(if $(filter-out 15,$(MAJORVERSION)),--expecteddir=$(here)test) \
	--load-extension=rewards --temp-config=$(TEST_CONF) --encoding=UTF8 --no-locale
REGRESS_OPTS = $(TEST_OPTS) --temp-instance=./tmp_check
ISOLATION_OPTS = $(TEST_OPTS) --temp-instance=./tmp_check_iso

EXTRA_CLEAN = rewards--*.sql $(pg_regress_clean_files)

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)

# Sources are looked for in the checkout, but never objects: one left there by
# a build in place may be of another server or older than its headers.
VPATH =
vpath %.c $(here)
vpath %.control $(here)

# Debian's PostgreSQL does not track dependencies, so any header rebuilds all.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(here)src/*.h) $(here)rewards.control | src
src:
	mkdir -p $@

# First what the extension owns; then, as the body of one function, what
# rewards.install() makes: the tables, views and triggers.
$(SCRIPT): $(CODE) $(SCHEMA) $(here)rewards.control $(here)Makefile
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION rewards" to load this file. \quit' && \
	awk 1 /dev/null $(CODE) && \
	printf '%s\n' '' 'create function rewards.schema_sql() returns text' \
		'	language sql immutable parallel safe set search_path = pg_catalog, pg_temp' \
		'	as $$rewards_code$$select $$rewards_schema$$' && \
	awk 1 /dev/null $(SCHEMA) && \
	printf '%s\n' '$$rewards_schema$$::text$$rewards_code$$;' \
		'revoke all on function rewards.schema_sql() from public;' \
		"comment on function rewards.schema_sql() is 'the tables, views and triggers that install() makes';" ; } > $@

# The script of one version: frozen in sql/ or, of this one, just made.
script = $(firstword $(wildcard $(here)sql/rewards--$(1).sql) rewards--$(1).sql)
old = $(call script,$(firstword $(subst --, ,$(1))))
new = $(call script,$(lastword $(subst --, ,$(1))))

.SECONDEXPANSION:
$(UPDATES): rewards--%.sql: $(here)sql/update/%.sql $$(call old,$$*) $$(call new,$$*) $(here)sql/update/assemble.awk
	@awk -f $(here)sql/update/assemble.awk $(call old,$*) $< $(call new,$*) > $@

.DELETE_ON_ERROR:
else
all install installcheck clean:
	@echo "No PostgreSQL server headers: '$(PG_CONFIG) --pgxs' leads nowhere. Install them, or set PG_CONFIG." >&2; exit 1
endif

# Found by make, not by the caller's folder; the scripts find the rest.
RUNS = versions upgrade faults soak coverage sanitize valgrind perf examples report
.PHONY: test test-fuzz $(addprefix test-,$(RUNS)) demo demo-stop bench
test:
	@$(here)test/run
$(addprefix test-,$(RUNS)): test-%:
	@$(here)test/$*/run
test-fuzz:
	@$(here)test/fuzz/long/run
demo bench:
	@$(here)test/$@/run
demo-stop:
	@$(here)test/demo/stop
