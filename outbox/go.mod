module github.com/postmux/postmux/outbox

go 1.26.0

require (
	github.com/google/uuid v1.6.0
	github.com/jackc/pgx/v5 v5.7.0
	github.com/postmux/postmux v0.1.0
	github.com/stretchr/testify v1.12.1
	modernc.org/sqlite v1.62.0
)
