/*
 * reader.c
 *		Who acts, who reads, and which account that is limited to.
 *
 * The extension's owner, superusers and whoever has an access other than member
 * read of all accounts. Everybody else is limited: to the account of a member
 * access, or to nothing at all.  Views have one answer for all of their columns, so a
 * role must not have what a member is granted together with an access that reads
 * of all accounts, but less than that: it would read of all what is for each alone.
 *
 * A view is read with the rights of the current role, so views and what they
 * call go by that.  Calls are SECURITY DEFINER and run as the extension's owner,
 * so they go by the role outside, the session's after SET ROLE.  Inside a
 * security-restricted operation (ANALYZE, REFRESH MATERIALIZED VIEW and others that
 * run somebody's code for somebody else) the role outside is not whose code this
 * is, so there calls refuse.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "accounts.h"
#include "catalog.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "installation.h"
#include "miscadmin.h"
#include "reader.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(caller);
PG_FUNCTION_INFO_V1(me);
PG_FUNCTION_INFO_V1(reads_all);
PG_FUNCTION_INFO_V1(is_limited);
PG_FUNCTION_INFO_V1(is_admin);
PG_FUNCTION_INFO_V1(limited_to);
PG_FUNCTION_INFO_V1(check_reader);

/* columns of rewards.access; in tables of version 0.1.0 the first is a regrole, the last three are missing */
enum
{
	ACCESS_ROLE = 1,
	ACCESS_ACCESS,
	ACCESS_GRANTED_AT,
	ACCESS_ROLE_NUMBER,
	ACCESS_IDENTITY,
	ACCESS_ACCOUNT
};

/* what the accesses of a role, its own and inherited ones, come to */
typedef struct Accesses
{
	bool		all;			/* one that reads of all accounts */
	bool		full;			/* one of these that may read whatever a member may */
	bool		admin;			/* one that may do what only admins may */
	bool		member;			/* member of whatever account */
	bool		unbound;		/* member, whose account is told by a parameter or claims */
	int64		bound;			/* member of this account */
	bool		several;		/* and of another one */
} Accesses;

static char *account_parameter = NULL;

/* ---- the parameter rewards.account ---- */

/* what stands before the colon; false for no kind */
static bool
parse_kind(const char *text, size_t len, AccountKind *kind)
{
	for (int i = KIND_USER; i <= KIND_PROVIDER; i++)
	{
		const char *name = account_kind_name((AccountKind) i);

		if (strlen(name) == len && strncmp(name, text, len) == 0)
		{
			*kind = (AccountKind) i;
			return true;
		}
	}
	return false;
}

static bool
check_account(char **value, void **extra, GucSource source)
{
	const char *colon;
	AccountKind kind;

	if (*value == NULL || **value == '\0')
		return true;
	colon = strchr(*value, ':');
	if (colon != NULL && parse_kind(*value, colon - *value, &kind)
		&& is_id((Id) {colon + 1, strlen(colon + 1)}))
		return true;
	GUC_check_errdetail("An account is written as user:ID or provider:ID.");
	return false;
}

void
reader_init(void)
{
	DefineCustomStringVariable("rewards.account",
							   "The account that a role with access \"member\" reads as, as user:ID or provider:ID.",
							   "It counts for roles that grant_access() has given that access without an account; only they may set it.",
							   &account_parameter, "", PGC_SUSET, 0,
							   check_account, NULL, NULL);
}

/* ---- roles ---- */

/* whom our SECURITY DEFINER calls run as: this function is the extension's, too */
static Oid
owner_of(FunctionCallInfo fcinfo)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* the role outside all SECURITY DEFINER functions; 42501 where that cannot be told */
static Oid
acting_role(FunctionCallInfo fcinfo)
{
	Oid			role;
	int			context;

	GetUserIdAndSecContext(&role, &context);
	if (!(context & SECURITY_RESTRICTED_OPERATION))
		return GetOuterUserId();
	if ((context & SECURITY_LOCAL_USERID_CHANGE) && role == owner_of(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("calls of rewards cannot be made within a security-restricted operation"),
				 errdetail("Such as ANALYZE or REFRESH MATERIALIZED VIEW, in which nobody can tell who calls."),
				 errhint("Use the views instead.")));
	return role;
}

/* by a name that is quoted as in SQL; InvalidOid when there is none */
static Oid
role_named(const char *quoted)
{
	List	   *names;

	return SplitIdentifierString(pstrdup(quoted), ',', &names) && list_length(names) == 1
		? get_role_oid(linitial(names), true) : InvalidOid;
}

/* whom a row is about; InvalidOid for a role that a restored database does not have */
static Oid
access_role(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		role = heap_getattr(tuple, ACCESS_ROLE, desc, &isnull);
	Datum		identity;

	if (desc->natts < ACCESS_ROLE_NUMBER)
		return DatumGetObjectId(role);
	identity = heap_getattr(tuple, ACCESS_IDENTITY, desc, &isnull);
	if (!isnull && strcmp(TextDatumGetCString(identity), current_identity()) == 0)
		return DatumGetObjectId(heap_getattr(tuple, ACCESS_ROLE_NUMBER, desc, &isnull));
	return role_named(TextDatumGetCString(role));
}

static Accesses
accesses_of(Oid role)
{
	CatalogScan scan = catalog_scan_active(TABLE_ACCESS, TABLE_ACCESS, NULL, 0);
	TupleDesc	desc = RelationGetDescr(scan.heap);
	HeapTuple	tuple;
	Accesses	accesses = {0};

	while ((tuple = catalog_next(&scan)) != NULL)
	{
		Oid			grantee = access_role(tuple, desc);
		bool		isnull;
		char	   *access;
		int64		account;

		if (!OidIsValid(grantee) || !has_privs_of_role(role, grantee))
			continue;
		access = TextDatumGetCString(heap_getattr(tuple, ACCESS_ACCESS, desc, &isnull));
		if (strcmp(access, "member") != 0)
		{
			accesses.all = true;
			accesses.admin |= strcmp(access, "admin") == 0;
			accesses.full |= accesses.admin || strcmp(access, "app") == 0;
			continue;
		}
		accesses.member = true;
		account = desc->natts < ACCESS_ACCOUNT ? 0 : DatumGetInt64(heap_getattr(tuple, ACCESS_ACCOUNT, desc, &isnull));
		if (desc->natts < ACCESS_ACCOUNT || isnull)
			accesses.unbound = true;
		else if (accesses.bound == 0 || accesses.bound == account)
			accesses.bound = account;
		else
			accesses.several = true;
	}
	catalog_end(&scan);
	return accesses;
}

/* a superuser has every role, so its accesses say nothing */
static bool
has_all(Oid role, Oid owner, const Accesses *accesses)
{
	if (superuser_arg(role) || has_privs_of_role(role, owner))
		return true;
	if (accesses->member && accesses->all && !accesses->full)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the role is a member and reads of all accounts, too"),
				 errdetail("Together billing, operator or analyst and what is granted to members would show more than either."),
				 errhint("SET ROLE to the one that is meant, or revoke_access() from the other.")));
	return accesses->all;
}

/* ---- identity ---- */

/* by the snapshot of the query: an account registered since has nothing in it */
static void
read_account(Reader *reader, CatalogTable index, ScanKey keys, int nkeys)
{
	CatalogScan scan = catalog_scan_active(TABLE_ACCOUNT, index, keys, nkeys);
	HeapTuple	tuple = catalog_next(&scan);

	if (tuple)
	{
		TupleDesc	desc = RelationGetDescr(scan.heap);
		bool		isnull;
		char	   *name = TextDatumGetCString(heap_getattr(tuple, ACCOUNT_NAME, desc, &isnull));

		reader->known = true;
		reader->kind = account_kind_of(heap_getattr(tuple, ACCOUNT_KIND, desc, &isnull));
		reader->name = (Id) {name, strlen(name)};
		reader->number = DatumGetInt64(heap_getattr(tuple, ACCOUNT_ID, desc, &isnull));
	}
	catalog_end(&scan);
}

static void
read_by_name(Reader *reader, AccountKind kind, const char *name)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], ACCOUNT_NAME, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	ScanKeyInit(&keys[1], ACCOUNT_KIND, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(account_kind_name(kind)));
	reader->known = true;
	reader->kind = kind;
	reader->name = (Id) {name, strlen(name)};
	read_account(reader, INDEX_ACCOUNT_NAME, keys, 2);
}

/* NULL when the claims have no such text */
static char *
claim(Jsonb *claims, const char *name)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(claims)
		|| getKeyJsonValueFromContainer(&claims->root, name, strlen(name), &value) == NULL
		|| value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* {"sub": ID, "kind": "user" or "provider", by default user} */
static void
read_claims(Reader *reader)
{
	const char *text = GetConfigOption("request.jwt.claims", true, false);
	Jsonb	   *claims;
	char	   *id;
	char	   *kind_name;
	AccountKind kind = KIND_USER;

	if (text == NULL || *text == '\0')
		return;
	claims = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	id = claim(claims, "sub");
	kind_name = claim(claims, "kind");
	if (id == NULL)
		return;
	if (!is_id((Id) {id, strlen(id)}) || (kind_name != NULL && !parse_kind(kind_name, strlen(kind_name), &kind)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("request.jwt.claims names no account"),
				 errhint("The claim sub is an account's id; the claim kind, if there is one, is user or provider.")));
	read_by_name(reader, kind, id);
}

/* the account of a member access: bound goes before parameter, that before claims */
static void
identify(Reader *reader, const Accesses *accesses)
{
	if (accesses->several)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the role is bound to several accounts"),
				 errhint("SET ROLE to the one that is meant, or revoke_access() from the others.")));
	if (accesses->bound != 0)
	{
		ScanKeyData key;

		ScanKeyInit(&key, ACCOUNT_ID, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(accesses->bound));
		read_account(reader, INDEX_ACCOUNT_ID, &key, 1);
	}
	else if (accesses->unbound && account_parameter != NULL && *account_parameter != '\0')
	{
		AccountKind kind = KIND_USER;
		const char *colon = strchr(account_parameter, ':');

		parse_kind(account_parameter, colon - account_parameter, &kind);
		read_by_name(reader, kind, pstrdup(colon + 1));
	}
	else if (accesses->unbound)
		read_claims(reader);
}

static Reader
reader_of(Oid role, Oid owner)
{
	Accesses	accesses = accesses_of(role);
	Reader		reader = {0};

	reader.limited = !has_all(role, owner, &accesses);
	if (!superuser_arg(role))
		identify(&reader, &accesses);
	return reader;
}

/* what the current role may read */
Reader
reader_current(FunctionCallInfo fcinfo)
{
	Oid			role = GetUserId();
	Oid			owner = owner_of(fcinfo);

	/* our own calls come here most */
	if (role == owner || superuser_arg(role))
		return (Reader) {0};
	return reader_of(role, owner);
}

/* 42501 for a limited reader when the account is not its own */
void
reader_require(const Reader *reader, AccountKind kind, Id name)
{
	if (!reader->limited
		|| (reader->known && reader->kind == kind && reader->name.len == name.len
			&& name.text != NULL && memcmp(reader->name.text, name.text, name.len) == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for this account"),
			 reader->known
			 ? errdetail("The role reads as %s \"%s\" only.", account_kind_name(reader->kind), reader->name.text)
			 : errdetail("The role has no account that it could read."),
			 errhint("rewards.me() tells which account is one's own; grant_access() gives more.")));
}

/* ---- switching roles ---- */

/* for what a view calls, once it is clear who reads */
RoleSwitch
become_owner(FunctionCallInfo fcinfo)
{
	RoleSwitch	caller;

	GetUserIdAndSecContext(&caller.role, &caller.context);
	SetUserIdAndSecContext(owner_of(fcinfo), caller.context | SECURITY_LOCAL_USERID_CHANGE);
	return caller;
}

void
become_caller(const RoleSwitch *caller)
{
	SetUserIdAndSecContext(caller->role, caller->context);
}

/* ---- calls ---- */

/*
 * caller(): the role that acts, also inside SECURITY DEFINER functions: the
 * session's role after SET ROLE.
 */
Datum
caller(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(acting_role(fcinfo));
}

static Datum
account_row(FunctionCallInfo fcinfo, const Reader *reader)
{
	TupleDesc	desc;
	Datum		values[2] = {0};
	bool		nulls[2] = {!reader->known, !reader->known};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "me() must return a row");
	if (reader->known)
	{
		values[0] = CStringGetTextDatum(account_kind_name(reader->kind));
		values[1] = PointerGetDatum(cstring_to_text_with_len(reader->name.text, reader->name.len));
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* me() returns (kind, account): the account that the acting role stands for, if it does */
Datum
me(PG_FUNCTION_ARGS)
{
	Reader		reader = reader_of(acting_role(fcinfo), owner_of(fcinfo));

	return account_row(fcinfo, &reader);
}

/*
 * reads_all(): whether the current role reads of all accounts; for views.  42501 for a
 * role without any access: to see nothing would not tell it that something is missing.
 */
Datum
reads_all(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	Oid			owner = owner_of(fcinfo);
	Accesses	accesses;
	bool		all;

	if (role == owner || superuser_arg(role))
		PG_RETURN_BOOL(true);
	accesses = accesses_of(role);
	all = has_all(role, owner, &accesses);
	if (!all && !accesses.member)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the role has no access to rewards"),
				 errdetail("Privileges on views alone show nothing."),
				 errhint("rewards.grant_access() gives an access.")));
	PG_RETURN_BOOL(all);
}

/* is_limited(): whether the acting role reads at most of one account; for calls */
Datum
is_limited(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role(fcinfo);
	Accesses	accesses;

	if (superuser_arg(role))
		PG_RETURN_BOOL(false);
	accesses = accesses_of(role);
	PG_RETURN_BOOL(!has_all(role, owner_of(fcinfo), &accesses));
}

/* is_admin(): whether the acting role may do what only admins may */
Datum
is_admin(PG_FUNCTION_ARGS)
{
	Oid			role = acting_role(fcinfo);

	PG_RETURN_BOOL(has_privs_of_role(role, owner_of(fcinfo)) || accesses_of(role).admin);
}

/*
 * limited_to() returns setof (number, kind, account): the one account that the current
 * role reads, no row for who reads none, or all; for views.
 */
Datum
limited_to(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Reader		reader = reader_current(fcinfo);
	Datum		values[3];
	bool		nulls[3] = {reader.number == 0, false, false};

	InitMaterializedSRF(fcinfo, 0);
	if (!reader.limited || !reader.known)
		return (Datum) 0;
	values[0] = Int64GetDatum(reader.number);
	values[1] = CStringGetTextDatum(account_kind_name(reader.kind));
	values[2] = PointerGetDatum(cstring_to_text_with_len(reader.name.text, reader.name.len));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

/* 42501 when the acting role must not read of an account; for calls */
void
reader_check(FunctionCallInfo fcinfo, AccountKind kind, Id name)
{
	Oid			role = acting_role(fcinfo);
	Reader		reader;

	if (superuser_arg(role))
		return;
	reader = reader_of(role, owner_of(fcinfo));
	reader_require(&reader, kind, name);
}

/* check_reader(account, kind): the same for calls in SQL */
Datum
check_reader(PG_FUNCTION_ARGS)
{
	Id			kind = id_of_datum(PG_GETARG_DATUM(1), PG_ARGISNULL(1));

	reader_check(fcinfo, kind.len > 0 && kind.text[0] == 'p' ? KIND_PROVIDER : KIND_USER,
				 id_of_datum(PG_GETARG_DATUM(0), PG_ARGISNULL(0)));
	PG_RETURN_VOID();
}
