# Lets SQL of a dump through, and takes out what names roles of another installation or needs rights that the owner of
# the database does not have. What would end the transaction, or is an order to psql and not SQL, is refused.
# Lines of COPY data, of open literals and of function bodies are let through as they are.
function refuse(why) { print "line " NR ": " why > "/dev/stderr"; refused = 1; exit 1 }
# Moves over a line and leaves in `open` what is still open at its end: a quote or a dollar tag.
function scan(line,    rest, at, mark, tag) {
  rest = line
  while (rest != "") {
    if (open != "") {
      if (open == "E'" ) {
        if (!match(rest, /['\\]/)) return
        if (substr(rest, RSTART, 1) == "\\") { rest = substr(rest, RSTART + 2); continue }
        rest = substr(rest, RSTART + 1); open = ""; continue
      }
      at = index(rest, open)
      if (at == 0) return
      rest = substr(rest, at + length(open)); open = ""
      continue
    }
    if (!match(rest, /['"\\$]|--|\/\*/)) return
    mark = substr(rest, RSTART, RLENGTH)
    before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
    rest = substr(rest, RSTART)
    if (mark == "--") return
    if (mark == "\\") refuse("an order to psql in the file: " substr(rest, 1, 40))
    if (mark == "/*") { open = "*/"; rest = substr(rest, 3); continue }
    if (mark == "$") {
      if (before !~ /[A-Za-z0-9_]/ && match(rest, /^\$([A-Za-z_][A-Za-z0-9_]*)?\$/)) {
        open = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
      } else rest = substr(rest, 2)
      continue
    }
    open = (mark == "'" && before ~ /[Ee]/) ? "E'" : mark
    rest = substr(rest, 2)
  }
}
{ line = $0; sub(/\r$/, "", line) }
copying { print line; if (line == "\\.") copying = 0; next }
open == "" {
  upper = toupper(line)
  if (line ~ /^\\(un)?restrict /) next
  if (upper ~ /^(BEGIN|START TRANSACTION|COMMIT)( WORK| TRANSACTION)?;$/) next
  if (upper ~ /^(ROLLBACK|ABORT|END|PREPARE TRANSACTION|COMMIT PREPARED|COMMIT AND|END TRANSACTION)[ ;].*$/) refuse("it would end the transaction: " line)
  if (upper ~ /^SET (TRANSACTION_TIMEOUT|SESSION AUTHORIZATION|ROLE)[ =].*;$/) next
  if (upper ~ /^COMMENT ON EXTENSION .*;$/) next
  if (upper ~ /^ALTER .* OWNER TO .*;$/) next
  if (upper ~ /^(GRANT|REVOKE) .*;$/) next
  if (upper ~ /^ALTER DEFAULT PRIVILEGES .*;$/) next
  if (upper ~ /^COPY .* FROM STDIN( .*)?;$/) { copying = 1; print line; next }
}
{ scan(line); print line }
END { if (!refused && copying) { print "the file breaks off in the data of a table" > "/dev/stderr"; exit 1 } if (refused) exit 1 }
