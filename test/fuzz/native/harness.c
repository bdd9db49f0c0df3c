/*
 * harness.c
 *		What libFuzzer calls: the code of the extension that computes and asks nobody,
 *		linked without a server.
 *
 * The first byte of an input says what it is for: a binary distribution, an
 * endpoint and services, or a model's name and patterns.  Answers are compared
 * with others, computed in another way.  What palloc gives is malloc's, so that
 * ASan sees a step beyond any piece of it.
 */
#include "rules.c"

#include <ctype.h>
#include <setjmp.h>

#include "libpq/pqformat.h"

extern Datum distribution_recv(PG_FUNCTION_ARGS);
extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t len);

#undef snprintf
#undef qsort
#undef free
#undef malloc
#undef realloc

/* ---- of the server, only this ---- */

#define MAX_PIECES 100000

static void *pieces[MAX_PIECES];
static int	npieces;
static jmp_buf refused;

MemoryContext CurrentMemoryContext;
MemoryContext CacheMemoryContext;
volatile sig_atomic_t InterruptPending;

static void *
keep(void *piece)
{
	if (piece == NULL || npieces == MAX_PIECES)
		abort();
	return pieces[npieces++] = piece;
}

void	   *palloc(Size size) { return keep(malloc(size)); }
void	   *palloc0(Size size) { return keep(calloc(1, size)); }

void *
repalloc(void *pointer, Size size)
{
	for (int i = npieces - 1; i >= 0; i--)
		if (pieces[i] == pointer)
			return pieces[i] = realloc(pointer, size);
	abort();
}

void pfree(void *pointer) {}

static void
free_pieces(void)
{
	while (npieces > 0)
		free(pieces[--npieces]);
}

bool errstart(int elevel, const char *domain) { return true; }
bool errstart_cold(int elevel, const char *domain) { return true; }
void errfinish(const char *file, int line, const char *function) { longjmp(refused, 1); }
int	 errcode(int code) { return 0; }
int	 errmsg(const char *format,...) { return 0; }
int	 errmsg_internal(const char *format,...) { return 0; }
int	 errdetail(const char *format,...) { return 0; }
int	 errhint(const char *format,...) { return 0; }

void
initStringInfo(StringInfo text)
{
	text->maxlen = 16;
	text->data = palloc(text->maxlen);
	text->len = text->cursor = 0;
}

void
enlargeStringInfo(StringInfo text, int needed)
{
	while (text->len + needed >= text->maxlen)
		text->maxlen *= 2;
	text->data = repalloc(text->data, text->maxlen);
}

void
appendBinaryStringInfo(StringInfo text, const char *data, int len)
{
	enlargeStringInfo(text, len);
	memcpy(text->data + text->len, data, len);
	text->len += len;
}

void
appendStringInfoChar(StringInfo text, char c)
{
	appendBinaryStringInfo(text, &c, 1);
}

void
appendStringInfoSpaces(StringInfo text, int count)
{
	while (count-- > 0)
		appendStringInfoChar(text, ' ');
}

int
pq_getmsgbyte(StringInfo message)
{
	if (message->cursor >= message->len)
		longjmp(refused, 1);
	return (unsigned char) message->data[message->cursor++];
}

const char *
pq_getmsgbytes(StringInfo message, int len)
{
	const char *bytes = message->data + message->cursor;

	if (len < 0 || len > message->len - message->cursor)
		longjmp(refused, 1);
	message->cursor += len;
	return bytes;
}

void pg_qsort(void *base, size_t n, size_t size, int (*compare) (const void *, const void *)) { qsort(base, n, size, compare); }
unsigned char pg_ascii_tolower(unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

#define require(condition) do { if (!(condition)) abort(); } while (0)

/* ---- binary input: refused, or packed again it is the same bytes ---- */

static void
try_distribution(const uint8 *data, int len)
{
	StringInfoData message = {(char *) data, len, len, 0};
	LOCAL_FCINFO(fcinfo, 1);
	Distribution *distribution;
	StringInfoData again;
	ShareReader reader;
	Share		share;

	fcinfo->args[0] = (NullableDatum) {PointerGetDatum(&message), false};
	distribution = (Distribution *) DatumGetPointer(distribution_recv(fcinfo));
	distribution_begin(&again);
	reader = distribution_reader(distribution);
	while (distribution_next(&reader, &share))
		distribution_add(&again, &share);
	require(again.len - VARHDRSZ == len - 1);
	require(memcmp(again.data + VARHDRSZ, data + 1, len - 1) == 0);
}

/* ---- matching ---- */

#define MAX_LINES 12

/* the input's lines, each a piece of its own without a zero at its end; returns how many */
static int
take_lines(const uint8 *data, int len, Id *lines)
{
	int			count = 0;

	while (count < MAX_LINES)
	{
		const uint8 *end = memchr(data, '\n', len);
		int			line = end ? end - data : len;
		char	   *text = palloc(line);

		memcpy(text, data, line);
		lines[count++] = (Id) {text, line};
		if (end == NULL)
			break;
		data += line + 1;
		len -= line + 1;
	}
	return count;
}

static void
make_lower(Id id)
{
	for (int i = 0; i < id.len; i++)
		unconstify(char *, id.text)[i] = pg_ascii_tolower((unsigned char) id.text[i]);
}

static char *
string_of(Id id)
{
	char	   *string = palloc(id.len + 1);

	memcpy(string, id.text, id.len);
	string[id.len] = '\0';
	return string;
}

/* an empty set with room for a rule of each line */
static RuleSet *
no_rules(void)
{
	RuleSet    *set = palloc0(sizeof(RuleSet));

	set->rules = palloc0(sizeof(Rule) * MAX_LINES);
	return set;
}

static Rule *
new_rule(RuleSet *set, RuleKind kind, Id text)
{
	static char keys[MAX_LINES][12];
	Rule	   *rule = &set->rules[set->nrules];

	snprintf(keys[set->nrules], sizeof(keys[0]), "%d", set->nrules);
	rule->kind = kind;
	rule->key = keys[set->nrules++];
	rule->change = (Change) {.seen_from = -1, .sure_from = -1};
	rule->text = string_of(text);
	rule->text_len = text.len;
	return rule;
}

/* as set_service() takes it: begins with a slash, ends with none, holds no ?, # or space */
static bool
is_suffix(const char *text)
{
	size_t		len = strlen(text);

	return len >= 2 && text[0] == '/' && text[len - 1] != '/' && strpbrk(text, "?# \t\r\v\f") == NULL;
}

/* how long the longest suffix is that the endpoint's path ends with, 0 for none */
static int
longest_suffix(Id endpoint, const RuleSet *set)
{
	char	   *path = string_of(endpoint);
	char	   *host;
	char	   *full;
	int			longest = 0;

	path[strcspn(path, "?#")] = '\0';
	host = strstr(path, "://");
	if (host)
		path = host + 3 + strcspn(host + 3, "/");
	while (path[0] && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	full = palloc(strlen(path) + 2);
	strcpy(full, path[0] == '/' ? "" : "/");
	strcat(full, path);
	for (char *c = full; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	for (int i = 0; i < set->nrules; i++)
	{
		int			len = strlen(set->rules[i].text);

		if (len <= (int) strlen(full) && strcmp(full + strlen(full) - len, set->rules[i].text) == 0)
			longest = Max(longest, len);
	}
	return longest;
}

/* lines: the endpoint, then the suffix of each service */
static void
try_endpoint(const uint8 *data, int len)
{
	Id			lines[MAX_LINES];
	int			count;
	RuleSet    *set;
	AsOf		as_of = as_of_all(0);
	const Rule *found;

	count = take_lines(data, len, lines);
	set = no_rules();
	for (int i = 1; i < count; i++)
	{
		make_lower(lines[i]);
		if (is_suffix(string_of(lines[i])))
			new_rule(set, RULE_SERVICE, lines[i]);
	}
	make_histories(set);
	found = rule_for_endpoint(set, lines[0], &as_of);
	require((found ? found->text_len : 0) == longest_suffix(lines[0], set));
}

/* the number that a place of a name lies in, with its decimals: from the first digit to past the last */
static void
number_around(const char *name, int place, int *from, int *past)
{
	for (const char *c = name; *c;)
	{
		const char *start = c;

		while (isdigit((unsigned char) *c)
			   || (*c == '.' && c > start && isdigit((unsigned char) c[1])))
			c++;
		*from = start - name;
		*past = c - name;
		if (place >= *from && place < *past)
			return;
		if (c == start)
			c++;
	}
	*from = *past = place;
}

static bool
stands_in(const char *name, const char *piece, bool at_start, bool at_end)
{
	int			len = strlen(piece);

	for (const char *c = strstr(name, piece); len > 0 && c; c = strstr(c + 1, piece))
	{
		int			start = c - name;
		int			from;
		int			past;

		number_around(name, start, &from, &past);
		if (isdigit((unsigned char) piece[0]) && from < start)
			continue;
		number_around(name, start + len - 1, &from, &past);
		if (isdigit((unsigned char) piece[len - 1]) && past > start + len)
			continue;
		if ((!at_start || start == 0) && (!at_end || name[start + len] == '\0'))
			return true;
	}
	return false;
}

/* lines: the name; then each a pattern: how it stands, what it is, past a tab what is not to be there */
static void
try_model(const uint8 *data, int len)
{
	Id			lines[MAX_LINES];
	int			count = take_lines(data, len, lines);
	RuleSet    *set = no_rules();
	AsOf		as_of = as_of_all(0);
	const Rule *found;
	const Rule *expected = NULL;
	char	   *name;

	for (int i = 1; i < count; i++)
	{
		Rule	   *rule;
		char	   *text;
		char	   *tab;

		make_lower(lines[i]);
		text = string_of(lines[i]);
		if (lines[i].len < 2 || text[1] == '\t')
			continue;
		tab = strchr(text + 1, '\t');
		rule = new_rule(set, RULE_MODEL_PATTERN, (Id) {text + 1, tab ? tab - text - 1 : lines[i].len - 1});
		rule->at_start = text[0] & 1;
		rule->at_end = text[0] & 2;
		rule->but_not = tab ? tab + 1 : NULL;
		rule->but_not_len = tab ? strlen(tab + 1) : 0;
	}
	name = string_of(lines[0]);
	for (char *c = name; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	for (int i = 0; i < set->nrules && expected == NULL; i++)
		if (stands_in(name, set->rules[i].text, set->rules[i].at_start, set->rules[i].at_end)
			&& !(set->rules[i].but_not_len > 0 && stands_in(name, set->rules[i].but_not, false, false)))
			expected = &set->rules[i];
	make_histories(set);
	found = rule_for_model_name(set, lines[0], &as_of);
	require((found == NULL) == (expected == NULL));
	require(found == NULL || strcmp(found->key, expected->key) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t len)
{
	if (len == 0 || setjmp(refused) != 0)
		;
	else if (data[0] % 3 == 0)
		try_distribution(data + 1, (int) len - 1);
	else if (memchr(data, '\0', len) == NULL)	/* no text of SQL has one */
		(data[0] % 3 == 1 ? try_endpoint : try_model) (data + 1, (int) len - 1);
	free_pieces();
	return 0;
}
