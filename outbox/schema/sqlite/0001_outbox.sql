-- Messages. Times are microseconds since 1970 by the clock of the database.
create table {message} (
  id        text primary key,
  account   text not null,
  state     text not null check (state in ('queued', 'leased', 'sending', 'accepted',
              'scheduled', 'refused', 'unknown', 'dead', 'canceled', 'dropped')),
  run_at    integer not null,           -- when it is due; of an unknown one, its next look-up
  expires   integer,                    -- given up when it is still queued then
  attempt   integer not null default 0,    -- the fencing token
  failures  integer not null default 0,    -- tries in a row that provably sent nothing
  unclear   integer not null default 0, -- some try may have sent it
  key_until integer,                    -- until when its provider knows the key of its latest tries
  first_at  integer,                    -- of the first try that may have sent it
  intent_at integer,                    -- of the latest try
  worker    text,
  member    text,                      -- the account that the latest try went to
  resends   integer not null default 0,    -- how often a person had it sent again
  lookups   integer not null default 0,
  namespace text not null,
  key       text,                      -- the program's idempotency key
  digest    text not null,
  rcpt      text not null,             -- the first recipient, as it is compared
  rcpts     integer not null,
  format    integer not null,              -- of the body
  vendor_id text,
  receipt   text,
  error     text,
  decided   text,                      -- who decided about it
  created   integer not null,
  changed   integer not null
);
create index {i:message_due} on {message} (account, run_at, id) where state = 'queued';
create index {i:message_work} on {message} (worker) where state in ('leased', 'sending');
create index {i:message_expires} on {message} (expires) where state = 'queued' and expires is not null;
create index {i:message_unclear} on {message} (first_at) where state = 'queued' and unclear;
create index {i:message_unknown} on {message} (run_at) where state = 'unknown';
create index {i:message_done} on {message} (changed) where state in ('accepted', 'scheduled');
create index {i:message_failed} on {message} (changed)
  where state in ('refused', 'dead', 'canceled', 'dropped');
create index {i:message_rcpt} on {message} (rcpt, created desc);
create index {i:message_many} on {message} (account, intent_at) where rcpts > 1;
create index {i:message_vendor} on {message} (account, vendor_id) where vendor_id is not null;
create index {i:message_created} on {message} (created, id);

-- Bodies apart, so that a change of state does not write the mail again.
create table {body} (
  id      text primary key,
  message blob not null
);

-- Keys outlive their messages.
create table {key} (
  namespace text not null,
  key       text not null,
  id        text not null,
  digest    text not null,
  created   integer not null,
  purged    integer,                    -- when its message was purged
  primary key (namespace, key)
);
create index {i:key_id} on {key} (id);
create index {i:key_purged} on {key} (purged) where purged is not null;

-- Ids of providers that a look-up has given to a message.
create table {settled} (
  account   text not null,
  vendor_id text not null,
  rcpt      text not null,
  id        text not null,
  primary key (account, vendor_id, rcpt)
);

create index {i:settled_id} on {settled} (id);

create table {worker} (
  id      text primary key,
  host    text not null,
  started integer not null,
  seen    integer not null,                 -- its latest sign of life
  expires integer not null
);

-- Accounts that are held.
create table {account} (
  account    text primary key,
  held_until integer,                   -- null: by a person, until a person releases it
  reason     text not null,
  by_person  text,
  since      integer not null,
  step       integer not null default 0, -- from the last probe to the next
  tries      integer not null default 0
);

-- Limits of calls: when the next one is free. Of a pause, its end.
create table {limit} (
  bucket text not null,
  class  text not null,
  next   real not null,
  primary key (bucket, class)
);

-- Keys of duplicate guards.
create table {guard} (
  key   text primary key,
  entry text not null,                 -- JSON of a provider.GuardEntry
  claim text not null,                 -- of the latest Begin, to know its own entry again
  at    integer not null                -- of the latest change
);
create index {i:guard_at} on {guard} (at);

-- Facts about the store as a whole: the timeline of the database.
create table {fact} (
  name  text primary key,
  value text not null
);
