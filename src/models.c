/*
 * models.c
 *		What is known of a model, and which model stands behind a character;
 *		cached per backend, dropped when the model tables are signalled.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog.h"
#include "fmgr.h"
#include "memo.h"
#include "models.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* columns of rewards.model_fact and rewards.model */
enum
{
	FACT_ID = 1,
	FACT_MODEL,
	FACT_FACT,
	FACT_ACCOUNT,
	FACT_NUMBER,
	FACT_NAMED_TIER,
	FACT_VALID_FROM,
	FACT_SEEN_FROM,
	FACT_SURE_FROM,
	FACT_COLUMNS = FACT_SURE_FROM
};
enum
{
	MODEL_ID = 1,
	MODEL_CHARACTER
};

#define MAX_KEY MEMO_MAX_KEY

static const char *const fact_names[MODEL_FACTS] = {"owner", "tier", "vram", "rate"};

static Memo *memo = NULL;

/* the model behind a character; len 0: none */
typedef struct CharacterEntry
{
	uint64		generation;
	int			len;
	char		model[FLEXIBLE_ARRAY_MEMBER];
} CharacterEntry;

void
models_init(void)
{
	memo = memo_create("models", PART_OF_MODELS);
}

void
models_forget(void)
{
	memo_forget(memo);
}

static void
read_fact(HeapTuple tuple, TupleDesc desc, ModelFact *fact)
{
	Datum		values[FACT_COLUMNS + 1];
	bool		nulls[FACT_COLUMNS + 1];
	char	   *name;

	for (int i = 1; i <= FACT_COLUMNS; i++)
		values[i] = heap_getattr(tuple, i, desc, &nulls[i]);

	memset(fact, 0, sizeof(ModelFact));
	name = TextDatumGetCString(values[FACT_FACT]);
	while (fact->kind < MODEL_FACTS - 1 && strcmp(fact_names[fact->kind], name) != 0)
		fact->kind++;
	fact->id = DatumGetInt64(values[FACT_ID]);
	fact->change = change_of(&values[FACT_VALID_FROM], &nulls[FACT_VALID_FROM]);
	fact->ended = nulls[FACT_ACCOUNT] && nulls[FACT_NUMBER] && nulls[FACT_NAMED_TIER];
	if (!nulls[FACT_ACCOUNT])
		fact->owner = DatumGetInt64(values[FACT_ACCOUNT]);
	if (!nulls[FACT_NUMBER])
		fact->number = amount_from_numeric(DatumGetNumeric(values[FACT_NUMBER]), fact_names[fact->kind]);
	if (!nulls[FACT_NAMED_TIER])
		strlcpy(fact->tier, TextDatumGetCString(values[FACT_NAMED_TIER]), sizeof(fact->tier));
}

static int
compare_facts(const void *left, const void *right)
{
	const ModelFact *a = (const ModelFact *) left;
	const ModelFact *b = (const ModelFact *) right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->change.valid_from != b->change.valid_from)
		return a->change.valid_from < b->change.valid_from ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* all facts of a model, sorted, in the caller's memory */
static int
read_facts(Id id, ModelFact **facts)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	int			count = 0;
	int			allocated = 8;

	*facts = palloc(allocated * sizeof(ModelFact));
	ScanKeyInit(&key, FACT_MODEL, BTEqualStrategyNumber, F_TEXTEQ,
				PointerGetDatum(cstring_to_text_with_len(id.text, id.len)));
	scan = catalog_scan(TABLE_MODEL_FACT, INDEX_MODEL_FACT_MODEL, &key, 1);
	while ((tuple = catalog_next(&scan)) != NULL)
	{
		if (count == allocated)
			*facts = repalloc(*facts, (allocated *= 2) * sizeof(ModelFact));
		read_fact(tuple, RelationGetDescr(scan.heap), &(*facts)[count++]);
	}
	catalog_end(&scan);
	if (count > 1)
		qsort(*facts, count, sizeof(ModelFact), compare_facts);
	return count;
}

/*
 * What is known of a model as committed now; no facts when it is not
 * registered.  The result lives until the next model_find().
 */
const Model *
model_find(Id id)
{
	char		key[MAX_KEY];
	Model	   *model;
	ModelFact  *facts;
	uint64		generation;
	int			count;

	Assert(id.len < MAX_KEY - 1);
	key[0] = 'm';
	memcpy(key + 1, id.text, id.len);
	for (;;)
	{
		generation = catalog_generation(TABLE_MODEL_FACT);
		model = memo_find(memo, key, id.len + 1);
		if (model && model->generation == generation)
			return model;

		count = read_facts(id, &facts);
		if (generation != catalog_generation(TABLE_MODEL_FACT))
			continue;
		model = memo_put(memo, key, id.len + 1,
						 offsetof(Model, facts) + count * sizeof(ModelFact));
		memcpy(model->facts, facts, count * sizeof(ModelFact));
		model->nfacts = count;
		model->generation = generation;
		pfree(facts);
		return model;
	}
}

/* the fact in force for an event, or NULL */
const ModelFact *
model_fact(const Model *model, ModelFactKind kind, const AsOf *as_of)
{
	for (int i = model->nfacts - 1; i >= 0; i--)
		if (model->facts[i].kind == kind && change_counts(&model->facts[i].change, as_of, as_of->cuts[CUT_MODEL]))
			return model->facts[i].ended ? NULL : &model->facts[i];
	return NULL;
}

static char *
read_model_of_character(Id character)
{
	ScanKeyData key;
	CatalogScan scan;
	HeapTuple	tuple;
	char	   *model = NULL;
	bool		isnull;

	ScanKeyInit(&key, MODEL_CHARACTER, BTEqualStrategyNumber, F_TEXTEQ,
				PointerGetDatum(cstring_to_text_with_len(character.text, character.len)));
	scan = catalog_scan(TABLE_MODEL, INDEX_MODEL_CHARACTER, &key, 1);
	tuple = catalog_next(&scan);
	if (tuple)
		model = TextDatumGetCString(heap_getattr(tuple, MODEL_ID,
												 RelationGetDescr(scan.heap), &isnull));
	catalog_end(&scan);
	return model;
}

/* the model that a character belongs to; text NULL when there is none */
Id
model_of_character(Id character)
{
	char		key[MAX_KEY];
	CharacterEntry *entry;
	char	   *model;
	uint64		generation;

	Assert(character.len < MAX_KEY - 1);
	key[0] = 'c';
	memcpy(key + 1, character.text, character.len);
	for (;;)
	{
		generation = catalog_generation(TABLE_MODEL_FACT);
		entry = memo_find(memo, key, character.len + 1);
		if (entry && entry->generation == generation)
			return (Id) {entry->len > 0 ? entry->model : NULL, entry->len};

		model = read_model_of_character(character);
		if (generation != catalog_generation(TABLE_MODEL_FACT))
			continue;
		entry = memo_put(memo, key, character.len + 1,
						 offsetof(CharacterEntry, model) + (model ? strlen(model) : 0));
		entry->generation = generation;
		entry->len = model ? strlen(model) : 0;
		memcpy(entry->model, model ? model : "", entry->len);
		return (Id) {entry->len > 0 ? entry->model : NULL, entry->len};
	}
}
