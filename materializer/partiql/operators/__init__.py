"""What operators and functions do to values, one module per kind of value.

Everything here is pure. A function that is given a value of the wrong kind answers with
`reject("why")`: in permissive mode that gives MISSING, in strict mode it raises QueryTypeError.
"""
