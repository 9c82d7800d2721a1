drop table refund_orders;
