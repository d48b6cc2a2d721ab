"""What was erased and came back, from a backup that was put back or a feed, is erased again.

The source is read through for records that a tombstone knows and that are older than the erasure. They become a
request that nobody made, whose plan treats them and leaves everything else of the person alone: holds are looked at
anew, one person approves, and the rest goes as every erasure goes.

Source: GDPR Art. 5(1)(d), 17(1), 24(1).
"""
