"""Identifiers as somebody would write them who wants to reach more than a counter of his own."""

CANARY = "canary"  # the identifier whose counters the others must not reach

VALUES = (
    # Redis' own protocol, and its inline form
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "x\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "x\r\nFLUSHALL\r\n",
    "x\nFLUSHALL\n",
    "\r\n",
    "$-1\r\n",
    "x FLUSHALL",
    '" FLUSHALL "',
    # Lua, and the words of the script
    "') redis.call('FLUSHALL') --",
    "]] redis.call('FLUSHALL') [[",
    "KEYS[1]",
    # the hash tag, and the key's own form
    "}{",
    "{",
    "}",
    "{other}",
    "x}:general:user:{y",
    ":",
    "::",
    f"user:{CANARY}",
    f"general:user:{CANARY}",
    f"../user:{CANARY}",
    f"{{rl}}:general:user:{CANARY}",
    f"x:{CANARY}",
    # what comes near to the canary
    f"{CANARY}\0",
    f"\0{CANARY}",
    f"{CANARY} ",
    f" {CANARY}",
    f"{CANARY}\r\n",
    CANARY.upper(),
    f"{CANARY}\u200b",
    "c\u0430nary",  # a Cyrillic letter
    # bytes that are no text
    "\0",
    "a\0b",
    "\x7f\x80\xff",
    "\ud800",
    "\udfff\ud800",
    "\udc80",
    # text of all kinds
    " ",
    "\t",
    "é",
    "e\u0301",
    "名前",
    "🙂",
    "\u202e",
    # patterns, and a digest's form
    "*",
    "?",
    "[a-z]",
    "#",
    "#AAAAAAAAAAAAAAAAAAAAAA",
    # long ones, which differ in one place
    "x" * 48,
    "x" * 49,
    "x" * 50,
    "x" * 100_000,
    "x" * 99_999 + "y",
    "\0" * 100_000,
)
