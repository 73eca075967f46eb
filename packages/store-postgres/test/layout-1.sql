CREATE SCHEMA "NAME";
CREATE TABLE "NAME"."baton_layout" (layout integer NOT NULL);
INSERT INTO "NAME"."baton_layout" VALUES (1);
CREATE TABLE "NAME"."baton_sessions" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  key text NOT NULL,
  tenant_digest text NOT NULL,
  version integer NOT NULL,
  changed bigint NOT NULL
);
CREATE INDEX ON "NAME"."baton_sessions" (tenant_digest, changed, id);
CREATE TABLE "NAME"."baton_items" (session bigint NOT NULL, seq integer NOT NULL, item text NOT NULL, PRIMARY KEY (session, seq));
CREATE TABLE "NAME"."baton_appends" (session bigint NOT NULL, operation text NOT NULL, first integer NOT NULL, version integer NOT NULL, PRIMARY KEY (session, operation));
CREATE TABLE "NAME"."baton_leases" (digest text PRIMARY KEY, run text NOT NULL, until timestamptz NOT NULL);
INSERT INTO "NAME"."baton_sessions" (digest, key, tenant_digest, version, changed) VALUES
  (encode(sha256('["plain"]'), 'hex'), '["plain"]', '', 3, 1764000000000000),
  (encode(sha256('["a\\u0000","NUL\\u0000"]'), 'hex'), '["a\u0000","NUL\u0000"]', encode(sha256('a\000'), 'hex'), 1, 1764000000000000);
INSERT INTO "NAME"."baton_items" VALUES
  (1, 0, '{"type":"message","id":"1","role":"user","content":"1"}'),
  (1, 1, '{"type":"message","id":"2","role":"user","content":"NUL \u0000 and lone \ud800"}'),
  (1, 2, '{"type":"message","id":"3","role":"user","content":"3"}'),
  (2, 0, '{"type":"message","id":"1","role":"user","content":"1"}');
INSERT INTO "NAME"."baton_appends" VALUES (1, '"a"', 0, 2), (1, '"b"', 2, 3), (2, '"a\u0000\ud800"', 0, 1);
