"""Arrow IPC files as we write them, looked at where they lie: plain columns, never packed.

Columns that are packed say themselves how large they are once unpacked, and a small file could ask
for any amount of memory. So they are refused, before Arrow looks at them.
"""

import struct
from typing import Any

import pyarrow as pa

MAGIC = b"ARROW1\0\0"


def read(source: Any) -> tuple[pa.Schema, list[pa.RecordBatch]]:
    """Return what is in an IPC file, a source that Arrow can read; no column is copied.

    Raises ValueError or an ArrowException for anything else, and for columns that are packed.

    >>> made = pa.table({"word": ["up", "down"]})
    >>> sink = pa.BufferOutputStream()
    >>> with pa.ipc.new_file(sink, made.schema) as file:
    ...     file.write_table(made)
    >>> schema, batches = read(pa.BufferReader(sink.getvalue()))
    >>> schema == made.schema, batches[0].num_rows
    (True, 2)
    """
    if source.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is no Arrow file")
    # After the magic word a file is a stream: its messages, one after the other.
    messages = pa.ipc.MessageReader.open_stream(source)
    schema: Any = None
    batches: list[pa.RecordBatch] = []
    for message in _each(messages):
        if schema is None:
            schema = pa.ipc.read_schema(message)
        elif message.type != "record batch" or _packed(message.metadata.to_pybytes()):
            raise ValueError("its columns are packed, or refer to a dictionary")
        else:
            batches.append(pa.ipc.read_record_batch(message, schema))
    if schema is None:
        raise ValueError("it is an Arrow file without columns")
    for batch in batches:
        batch.validate(full=True)
    return schema, batches


def _each(messages: Any) -> Any:
    try:
        while True:
            yield messages.read_next_message()
    except StopIteration:
        return


def _packed(message: bytes) -> bool:
    """Tell whether a batch has field 3, "compression" (Arrow's Message.fbs, as a flatbuffer)."""

    def field(table: int, number: int) -> int:
        names = table - struct.unpack_from("<i", message, table)[0]
        size, at = struct.unpack_from("<H", message, names)[0], 4 + 2 * number
        found = struct.unpack_from("<H", message, names + at)[0] if at < size else 0
        return table + found if found else 0

    try:
        header = field(struct.unpack_from("<I", message)[0], 2)
        return bool(field(header + struct.unpack_from("<I", message, header)[0], 3))
    except struct.error:
        return True
