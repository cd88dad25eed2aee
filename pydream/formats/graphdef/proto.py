"""TensorFlow's schema of a GraphDef, as far as a frozen network needs it; other fields are kept unread.

So `pydream layers` and `pydream models add` need not import TensorFlow.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory

from ..schema import describe

# A map (`attr`) is a list of pairs on the wire, and so here.
_MESSAGES = {
    "GraphDef": """
        1 node: repeated NodeDef
        2 library: FunctionDefLibrary
    """,
    "FunctionDefLibrary": """
        1 function: repeated FunctionDef
    """,
    "FunctionDef": "",
    "NodeDef": """
        1 name: string
        2 op: string
        3 input: repeated string
        4 device: string
        5 attr: repeated AttrEntry
    """,
    "AttrEntry": """
        1 key: string
        2 value: AttrValue
    """,
    "AttrValue": """
        1 list: ListValue
        2 s: bytes
        3 i: int64
        4 f: float
        5 b: bool
        6 type: int32
        7 shape: TensorShape
        8 tensor: Tensor
    """,
    "ListValue": """
        2 s: repeated bytes
        3 i: packed int64
        4 f: packed float
        5 b: packed bool
        6 type: packed int32
    """,
    "TensorShape": """
        2 dim: repeated Dim
        3 unknown_rank: bool
    """,
    "Dim": """
        1 size: int64
    """,
    "Tensor": """
        1 dtype: int32
        2 tensor_shape: TensorShape
        4 tensor_content: bytes
        5 float_val: packed float
        6 double_val: packed double
        7 int_val: packed int32
        10 int64_val: packed int64
        11 bool_val: packed bool
        13 half_val: packed int32
    """,
}

DESCRIPTOR = describe("graphdef", _MESSAGES)

GraphDef: Any = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["GraphDef"])
NodeDef: Any = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["NodeDef"])
AttrValue: Any = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["AttrValue"])
