"""Words and tags: counted, admitted, given rows."""
