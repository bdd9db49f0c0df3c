# Makes an update script: awk -f assemble.awk OLD.sql BY_HAND.sql NEW.sql
#
# First what is written by hand, then every function of the new version as CREATE OR
# REPLACE, with its comment.  Other objects are made only where the old version has
# none of that name.
#
# A REVOKE in an extension's script makes what is granted on a function at that moment
# its initial privileges, which pg_dump leaves out, so that a role's grant would be gone
# after a restore.  Hence only what PUBLIC may really call is revoked, at the end.

FNR == 1 { part++; tag = "" }
part == 2 { if (FNR == 1) print "\\echo Use \"ALTER EXTENSION rewards UPDATE\" to load this file. \\quit"; print; next }

{ inside = tag != ""; follow_quotes($0) }

!inside && /^create / && !/^create (function|procedure) / {
	name = $2 == "type" ? $3 : $0
	sub(/;$/, "", name)
	if (part == 1)
		had[name] = 1
	else if (name in had)
		left_out = 1
}
part == 1 { next }
left_out { if (/;$/) left_out = 0; next }
!inside && /^\\echo/ { next }
!inside && /^revoke all on function .* from public;$/ {
	sub(/^revoke all on function /, ""); sub(/ from public;$/, "")
	revoked = revoked (revoked == "" ? "" : ",\n") "\t\t'" $0 "'"
	next
}
!inside && /^create (function|procedure) / { sub(/^create /, "create or replace ") }
{ print }

END {
	if (part != 3 || tag != "" || left_out)
		exit 1
	print "\ndo $$\ndeclare\n\tf regprocedure;\nbegin\n\tfor f in select p.oid from pg_catalog.pg_proc p where p.oid = any (array["
	print revoked "]::regprocedure[])"
	print "\t\tand exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0)"
	print "\tloop\n\t\texecute pg_catalog.format('revoke all on function %s from public', f);\n\tend loop;\nend\n$$;"
}

# tag is the dollar quote that the line ends in
function follow_quotes(line,    at)
{
	for (;;) {
		if (tag == "") {
			if (!match(line, /\$([A-Za-z_][A-Za-z_0-9]*)?\$/))
				return
			tag = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
		} else {
			at = index(line, tag)
			if (!at)
				return
			line = substr(line, at + length(tag))
			tag = ""
		}
	}
}
