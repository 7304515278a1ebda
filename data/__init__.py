"""Tables in, tables out, and the types that flow between the stages."""
