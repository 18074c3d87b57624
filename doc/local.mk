# Manual pages, the specification of the shared memory, who can do what, what it costs,
# Windows guests.
dist_doc_DATA += %D%/deaths.md %D%/layout.md %D%/performance.md %D%/security.md \
	%D%/speed-latency.svg %D%/speed-steps.svg %D%/speed-throughput.svg \
	%D%/speed-waiting.svg %D%/windows.md
dist_man_MANS += \
	%D%/bell_begin.3 \
	%D%/bell_bind.3 \
	%D%/bell_call.3 \
	%D%/bell_devices.3 \
	%D%/bell_event_new.3 \
	%D%/bell_join.3 \
	%D%/bell_listen.3 \
	%D%/bell_memory.3 \
	%D%/bell_on_stream.3 \
	%D%/bell_on_call.3 \
	%D%/bell_on_presence.3 \
	%D%/bell_open.3 \
	%D%/bell_peek.3 \
	%D%/bell_peers.3 \
	%D%/bell_ping.3 \
	%D%/bell_publish.3 \
	%D%/bell_recv.3 \
	%D%/bell_reserve.3 \
	%D%/bell_ring.3 \
	%D%/bell_send.3 \
	%D%/bell_stream_open.3 \
	%D%/bell_stream_read.3 \
	%D%/bell_strerror.3 \
	%D%/bell_subscribe.3 \
	%D%/bell_sync.3 \
	%D%/bell_wait.3 \
	%D%/bellring.7

# Pages that lead to the one that tells of several functions. They are made, in
# a folder of their own, because they name their target as it is installed.
BEGIN_LINKS = \
	%D%/links/bell_abandon.3 \
	%D%/links/bell_continue.3 \
	%D%/links/bell_finish.3
CALL_LINKS = \
	%D%/links/bell_call_cancel.3 \
	%D%/links/bell_call_start.3 \
	%D%/links/bell_max_call.3 \
	%D%/links/bell_next_deadline.3
DEVICES_LINKS = \
	%D%/links/bell_mapping_name.3 \
	%D%/links/bell_ways.3
EVENT_LINKS = %D%/links/bell_event_free.3
JOIN_LINKS = \
	%D%/links/bell_bus_name.3 \
	%D%/links/bell_get_stats.3 \
	%D%/links/bell_leave.3 \
	%D%/links/bell_set_wait.3
LISTEN_LINKS = \
	%D%/links/bell_accept.3 \
	%D%/links/bell_unlisten.3
MEMORY_LINKS = \
	%D%/links/bell_bus_size.3 \
	%D%/links/bell_id.3 \
	%D%/links/bell_port_name.3 \
	%D%/links/bell_region_name.3 \
	%D%/links/bell_vectors.3
ON_CALL_LINKS = \
	%D%/links/bell_fail.3 \
	%D%/links/bell_on_cancel.3 \
	%D%/links/bell_reply.3 \
	%D%/links/bell_request_data.3 \
	%D%/links/bell_request_left_ms.3 \
	%D%/links/bell_request_method.3 \
	%D%/links/bell_request_peer.3
ON_PRESENCE_LINKS = %D%/links/bell_await_peer.3
OPEN_LINKS = %D%/links/bell_close.3
PEEK_LINKS = %D%/links/bell_release.3
PEERS_LINKS = \
	%D%/links/bell_find.3 \
	%D%/links/bell_id_text.3 \
	%D%/links/bell_kind_name.3 \
	%D%/links/bell_state_name.3
PUBLISH_LINKS = \
	%D%/links/bell_get_topic_stats.3 \
	%D%/links/bell_set_policy.3
RECV_LINKS = \
	%D%/links/bell_on_message.3 \
	%D%/links/bell_recv_batch.3 \
	%D%/links/bell_recv_piece.3
RESERVE_LINKS = \
	%D%/links/bell_cancel.3 \
	%D%/links/bell_commit.3
RING_LINKS = \
	%D%/links/bell_on_interrupt.3 \
	%D%/links/bell_on_peer.3
SEND_LINKS = \
	%D%/links/bell_max_piece.3 \
	%D%/links/bell_on_writable.3 \
	%D%/links/bell_post.3 \
	%D%/links/bell_send_batch.3 \
	%D%/links/bell_sendv.3
STREAM_OPEN_LINKS = \
	%D%/links/bell_stream_close.3 \
	%D%/links/bell_stream_peer.3 \
	%D%/links/bell_stream_reset.3 \
	%D%/links/bell_stream_service.3
STREAM_READ_LINKS = \
	%D%/links/bell_stream_readable.3 \
	%D%/links/bell_stream_shutdown.3 \
	%D%/links/bell_stream_write.3
STRERROR_LINKS = %D%/links/bell_detail.3
SUBSCRIBE_LINKS = %D%/links/bell_unsubscribe.3
WAIT_LINKS = \
	%D%/links/bell_dispatch.3 \
	%D%/links/bell_handle.3
MAN_LINKS = \
	$(BEGIN_LINKS) \
	$(CALL_LINKS) \
	$(DEVICES_LINKS) \
	$(EVENT_LINKS) \
	$(JOIN_LINKS) \
	$(LISTEN_LINKS) \
	$(MEMORY_LINKS) \
	$(ON_CALL_LINKS) \
	$(ON_PRESENCE_LINKS) \
	$(OPEN_LINKS) \
	$(PEEK_LINKS) \
	$(PEERS_LINKS) \
	$(PUBLISH_LINKS) \
	$(RECV_LINKS) \
	$(RESERVE_LINKS) \
	$(RING_LINKS) \
	$(SEND_LINKS) \
	$(STREAM_OPEN_LINKS) \
	$(STREAM_READ_LINKS) \
	$(STRERROR_LINKS) \
	$(SUBSCRIBE_LINKS) \
	$(WAIT_LINKS)
nodist_man_MANS = $(MAN_LINKS)
CLEANFILES += $(MAN_LINKS)

man_link = $(AM_V_GEN)$(MKDIR_P) %D%/links && echo .so man3/
$(BEGIN_LINKS): ; $(man_link)bell_begin.3 >$@
$(CALL_LINKS): ; $(man_link)bell_call.3 >$@
$(DEVICES_LINKS): ; $(man_link)bell_devices.3 >$@
$(EVENT_LINKS): ; $(man_link)bell_event_new.3 >$@
$(JOIN_LINKS): ; $(man_link)bell_join.3 >$@
$(LISTEN_LINKS): ; $(man_link)bell_listen.3 >$@
$(MEMORY_LINKS): ; $(man_link)bell_memory.3 >$@
$(ON_CALL_LINKS): ; $(man_link)bell_on_call.3 >$@
$(ON_PRESENCE_LINKS): ; $(man_link)bell_on_presence.3 >$@
$(OPEN_LINKS): ; $(man_link)bell_open.3 >$@
$(PEEK_LINKS): ; $(man_link)bell_peek.3 >$@
$(PEERS_LINKS): ; $(man_link)bell_peers.3 >$@
$(PUBLISH_LINKS): ; $(man_link)bell_publish.3 >$@
$(RECV_LINKS): ; $(man_link)bell_recv.3 >$@
$(RESERVE_LINKS): ; $(man_link)bell_reserve.3 >$@
$(RING_LINKS): ; $(man_link)bell_ring.3 >$@
$(SEND_LINKS): ; $(man_link)bell_send.3 >$@
$(STREAM_OPEN_LINKS): ; $(man_link)bell_stream_open.3 >$@
$(STREAM_READ_LINKS): ; $(man_link)bell_stream_read.3 >$@
$(STRERROR_LINKS): ; $(man_link)bell_strerror.3 >$@
$(SUBSCRIBE_LINKS): ; $(man_link)bell_subscribe.3 >$@
$(WAIT_LINKS): ; $(man_link)bell_wait.3 >$@
