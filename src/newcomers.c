/*
 * newcomers.c
 *		Accounts that usage names and another node has to register.
 *
 * Of several nodes only the directory gives out numbers of accounts, or two nodes
 * would give one name two of them.  So posting on a writer registers nobody: it
 * leaves rows of unknown accounts open, as those of accounts that somebody is just
 * registering, and writes the names down in a table that the directory subscribes
 * to.  When the accounts have come back from there the rows are folded.  Reads
 * have them in the tail meanwhile.
 */
#include "postgres.h"

#include "accounts.h"
#include "batch.h"
#include "catalog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "newcomers.h"
#include "utils/builtins.h"

struct Newcomers
{
	MemoryContext context;		/* of the names: rows are read in a shorter-lived one */
	Batch		batch;			/* kind, name, first seen */
	int			room;
};

/* whether this node asks the directory; the tables of older versions know of no nodes */
static bool
registers_elsewhere(void)
{
	if (!catalog_has(TABLE_NODE))
		return false;
	if (SPI_execute("select from rewards.node n where n.role = 'writer'", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read what this node is");
	return SPI_processed > 0;
}

/* inside SPI; NULL where posting registers accounts itself */
Newcomers *
newcomers_create(void)
{
	static const Oid types[] = {TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Newcomers  *newcomers;

	if (!registers_elsewhere())
		return NULL;
	newcomers = palloc(sizeof(Newcomers));
	newcomers->context = CurrentMemoryContext;
	newcomers->room = 64;
	newcomers->batch = batch_create(3, types, newcomers->room);
	return newcomers;
}

static bool
add_name(Newcomers *newcomers, AccountKind kind, Id id, TimestampTz at)
{
	Batch	   *batch = &newcomers->batch;
	MemoryContext previous;

	if (id.text == NULL || account_find(kind, id).number != ACCOUNT_SELF)
		return false;
	if (batch->count == newcomers->room)
	{
		newcomers->room *= 2;
		for (int i = 0; i < batch->ncolumns; i++)
			batch->columns[i] = repalloc_huge(batch->columns[i], newcomers->room * sizeof(Datum));
	}
	previous = MemoryContextSwitchTo(newcomers->context);
	batch->columns[0][batch->count] = CStringGetTextDatum(account_kind_name(kind));
	batch->columns[1][batch->count] = PointerGetDatum(cstring_to_text_with_len(id.text, id.len));
	batch->columns[2][batch->count++] = TimestampTzGetDatum(at);
	MemoryContextSwitchTo(previous);
	return true;
}

/* notes whom of a row nobody has registered; whether there is somebody */
bool
newcomers_add(Newcomers *newcomers, const LineRow *row)
{
	bool		user;
	bool		provider;

	if (newcomers == NULL)
		return false;
	user = add_name(newcomers, KIND_USER, row->user, row->created_at);
	provider = add_name(newcomers, KIND_PROVIDER, row->provider, row->created_at);
	return user || provider;
}

/*
 * Asks for them, each once.  An account takes away who asked for it when it arrives, if
 * that can be seen then: who asked at that very moment goes once nobody is asked for.
 */
void
newcomers_write(Newcomers *newcomers)
{
	if (newcomers == NULL)
		return;
	batch_execute(&newcomers->batch, "insert into rewards.newcomer (kind, name, joined_at)"
				  " select n.kind, n.name, min(n.at) from unnest($1, $2, $3) n(kind, name, at)"
				  " where not exists (select from rewards.account a where a.kind = n.kind and a.name = n.name)"
				  " group by n.kind, n.name order by n.name collate \"C\", n.kind"
				  " on conflict do nothing");
	if (newcomers->batch.count == 0
		&& SPI_execute("delete from rewards.newcomer n where exists"
					   " (select from rewards.account a where a.kind = n.kind and a.name = n.name)",
					   false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not remove newcomers that have arrived");
}
