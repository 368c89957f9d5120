"""The query language. See `materializer.partiql.view` for the port to whatever holds the documents."""
