"""`indelible demo`: the whole product at work on real flights, in a minute."""
