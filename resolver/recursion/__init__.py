"""The recursive resolver: from one pinned root to whoever knows the answer.

`allowed` says which hosts may be asked, `fetching` asks them, `walk` goes from ledger to ledger,
`cache` keeps what was proved for as long as it may be kept, `app` serves it all.
"""
